"""Reading what `write_study` has written."""

from pathlib import Path

import optuna
from sqlalchemy.pool import NullPool


def optuna_study(name: str, file: Path) -> optuna.Study:
    """Without a pool of connections, which nothing would close: Python 3.13 warns of them."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{file}", engine_kwargs={"poolclass": NullPool})
    return optuna.load_study(study_name=name, storage=storage)
