import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.tracking.mlflow_logging import configure

configure()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    from mlflow import MlflowClient

    from tests.tracking.study_recorder import StudyRecorder


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """pytest resets the warnings filters for every test."""
    configure()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new MLflow database; to create it takes seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MlflowClient(tracking_uri=f"sqlite:///{path}", registry_uri=f"sqlite:///{path}")
    return path


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    path = tmp_path / "mlflow.db"
    shutil.copyfile(empty_store, path)
    return f"sqlite:///{path}"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[StudyRecorder]:
    recorder = StudyRecorder(tmp_path)
    yield recorder
    recorder.close()
