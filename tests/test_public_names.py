"""What `import hpsearch` offers, and what it costs: a name is imported from its module when it is first used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hpsearch

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "ray", "mlflow", "optuna", "pandas", "numpy", "sqlalchemy", "plotly", "pydantic", "rich", "scipy"}


def loaded_by(code: str) -> set[str]:
    """The packages that a fresh Python has imported after the code."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("code", ["import hpsearch", "from hpsearch import Report, Run"])
def test_what_a_trainer_imports_brings_nothing_heavy_along(code: str) -> None:
    assert loaded_by(code) & HEAVY == set()


def test_every_public_name_is_there() -> None:
    assert set(hpsearch.__all__) <= set(dir(hpsearch))
    assert all(getattr(hpsearch, name) is not None for name in hpsearch.__all__)


def test_type_checkers_and_python_find_the_same_names_in_the_same_modules() -> None:
    tree = ast.parse((ROOT / "hpsearch" / "__init__.py").read_text(encoding="utf-8"))
    shown = {
        alias.name: node.module.removeprefix("hpsearch.")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("hpsearch.")
        for alias in node.names
    }
    assert shown == hpsearch._HOMES
    assert set(hpsearch.__all__) == {*shown, "__version__"}


def test_a_name_that_is_not_there_is_an_attribute_error_that_python_has_a_hint_for() -> None:
    with pytest.raises(AttributeError, match="'hpsearch' has no attribute 'Sutdy'") as missing:
        hpsearch.Sutdy  # noqa: B018
    assert (missing.value.name, missing.value.obj) == ("Sutdy", hpsearch)


def test_editors_and_type_checkers_find_the_types() -> None:
    assert (ROOT / "hpsearch" / "py.typed").is_file()
