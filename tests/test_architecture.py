"""Which way dependencies point, where each heavy package is imported, and how long things may be (DESIGN, STYLE)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

VALUES = {"errors", "trial", "space", "copies", "words"}
WITH_HISTORY = VALUES | {"history", "seeds"}
PROTOCOLS = {"samplers.base", "pruners.base", "pools.base"}

MAY_IMPORT = {
    "errors": set[str](),
    "trial": set[str](),
    "copies": set[str](),
    "words": set[str](),
    "seeds": set[str](),
    "redact": set[str](),
    "log": {"redact"},
    "space": VALUES,
    "history": {"trial"},
    "checkpoint": {"errors"},
    "hashing": set[str](),
    "predictions": set[str](),
    "seal": {"errors"},
    "repository": {"redact"},
    "sources": set[str](),
    "provenance": {"", "redact", "repository", "sources", "words"},
    "run": {"errors", "copies", "checkpoint", "hashing"},
    "trainer": {"errors", "trial", "run", "adaptors.tune"},
    "adaptors": {"errors", "trial", "copies", "run", "checkpoint", "seeds", "trainer"},
    "adaptors.tune": {"errors", "trial", "run", "checkpoint", "adaptors.files", "adaptors.tune_room"},
    "keeper": {"errors", "trial", "checkpoint"},
    "probes": {
        "adaptors.side_by_side",
        "copies",
        "errors",
        "trial",
        "run",
        "checkpoint",
        "trainer",
        "predictions",
        "seal",
        "recipe.ensembles",
    },
    "worker": {
        "adaptors.side_by_side",
        "copies",
        "probes",
        "errors",
        "trial",
        "run",
        "checkpoint",
        "keeper",
        "trainer",
        "log",
        "provenance",
    },
    "samplers": WITH_HISTORY | {"recipe"},
    "pruners": WITH_HISTORY,
    "pools": VALUES | {"worker", "probes.values"},
    "pools.ray_jobs": {"errors", "pools", "study"},
    "journal": VALUES | {"", "redact"},
    "trackers": VALUES | {"redact", "pictures"},
    "pictures": {"trial", "space", "redact"},
    "report": VALUES | {"", "journal", "pictures", "provenance", "recipe", "redact", "screen"},
    "recipe": VALUES | {"history", "probes.values", "probes.chance", "predictions"},
    "rules": {"trial", "copies", "history", "seeds"},
    "budget": {"trial", "history"},
    "proposals": {"trial", "history", "samplers.base"},
    "ledger": {"trial"},
    "loop": {"errors", "trial", "history", "seeds", "rules", "budget", "proposals", "ledger"} | PROTOCOLS,
}
"""Part of hpsearch -> the parts that it may import beside itself, with all inside them. "" is the version's module."""

MAY_BE_IMPORTED_BY = {"wire": {"commands", "cli"}, "commands": {"commands", "cli"}, "cli": set[str]()}

HOMES = {
    "optuna": {"hpsearch/samplers"},
    "cmaes": {"hpsearch/samplers"},
    "ray": {"hpsearch/pools", "hpsearch/adaptors/tune.py", "hpsearch/adaptors/tune_room.py"},
    "mlflow": {"hpsearch/trackers"},
    "sqlalchemy": {"hpsearch/journal"},
    "alembic": {"hpsearch/journal"},
    "psycopg": {"hpsearch/journal"},
    "torch": {
        "hpsearch/adaptors/files.py",
        "hpsearch/checkpoint.py",
        "hpsearch/probes",
        "hpsearch/run.py",
        "hpsearch/worker.py",
        "hpsearch/samplers/bayesian.py",
        "hpsearch/templates",
        "trainers",
    },
    "plotly": {"hpsearch/pictures"},
    "sklearn": {"hpsearch/templates", "trainers"},
}
HEAVY = {*HOMES, "numpy", "pandas", "scipy"}


@dataclass(frozen=True)
class Import:
    """`module` as written, `names` of a from-import; lazy: inside a function, or for a type checker only."""

    file: str
    module: str
    names: tuple[str, ...]
    lazy: bool

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]


@cache
def sources(*folders: str) -> dict[str, ast.Module]:
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in files}


@cache
def imports(*folders: str) -> tuple[Import, ...]:
    return tuple(found for file, tree in sources(*folders).items() for found in _imports(file, tree, lazy=False))


def _imports(file: str, node: ast.AST, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or _is_for_types(child)
        if isinstance(child, ast.Import):
            yield from (Import(file, alias.name, (), lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{file}:{child.lineno}: a relative import"
            yield Import(file, child.module or "", tuple(alias.name for alias in child.names), lazy)
        else:
            yield from _imports(file, child, inside)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def module_of(file: str) -> str:
    """hpsearch/samplers/base.py -> samplers.base; hpsearch/__init__.py -> ""."""
    return file.removeprefix("hpsearch/").removesuffix(".py").replace("/", ".").removesuffix("__init__").rstrip(".")


def targets(one: Import) -> set[str]:
    """The modules of hpsearch that an import brings in: `from hpsearch import wire` is wire, a name of it is ""."""
    inside = one.module.removeprefix("hpsearch").lstrip(".")
    modules = {module_of(file) for file in sources("hpsearch")}
    if one.package != "hpsearch":
        return set()
    named = {f"{inside}.{name}".lstrip(".") for name in one.names} & modules
    return named or {inside}


def lies_in(module: str, part: str) -> bool:
    return module == part or (part != "" and module.startswith(f"{part}."))


def part_of(module: str) -> str | None:
    """The longest part of the table that the module lies in."""
    return max((part for part in MAY_IMPORT if lies_in(module, part)), key=len, default=None)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_dependencies_point_one_way(part: str) -> None:
    wrong = [
        f"{one.file} imports {target or 'hpsearch'}"
        for one in imports("hpsearch")
        if part_of(module_of(one.file)) == part
        for target in targets(one)
        if not any(lies_in(target, allowed) for allowed in MAY_IMPORT[part] | {part})
    ]
    assert wrong == []


@pytest.mark.parametrize("part", MAY_BE_IMPORTED_BY)
def test_nothing_reaches_up(part: str) -> None:
    wrong = [
        one.file
        for one in imports("hpsearch")
        if any(lies_in(target, part) for target in targets(one))
        and not any(lies_in(module_of(one.file), allowed) for allowed in MAY_BE_IMPORTED_BY[part])
    ]
    assert wrong == []


def test_no_module_imports_itself_in_the_end() -> None:
    graph: dict[str, set[str]] = {}
    for one in imports("hpsearch"):
        graph.setdefault(module_of(one.file), set()).update(targets(one) - {""})
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("package", HOMES)
def test_a_heavy_package_is_imported_in_one_place(package: str) -> None:
    strays = [
        one.file
        for one in imports("hpsearch", "trainers")
        if one.package == package and not any(Path(one.file).is_relative_to(home) for home in HOMES[package])
    ]
    assert strays == []


def test_torch_is_imported_when_it_is_needed() -> None:
    eager = [one.file for one in imports("hpsearch") if one.package == "torch" and not one.lazy]
    assert set(eager) <= {"hpsearch/templates/trainer.py"}, "what a user copies is a trainer"


def test_a_trainer_knows_what_hpsearch_offers_and_nothing_of_how_it_works() -> None:
    allowed = {"hpsearch", "trainers", "torch", "torchmetrics", "numpy", "sklearn", *sys.stdlib_module_names}
    for one in imports("trainers"):
        assert one.package in allowed, f"{one.file} imports {one.module}"
        if one.package == "hpsearch":
            assert one.module == "hpsearch", f"{one.file} imports {one.module}"
            assert set(one.names) <= {"Fold", "Part", "Predictions", "Report", "Run", "check_unsealed"}


def test_trainers_are_found_by_name_alone() -> None:
    assert [one.file for one in imports("hpsearch") if one.package == "trainers"] == []


@pytest.mark.parametrize(
    "module", ["hpsearch", "hpsearch.cli", "hpsearch.errors", "hpsearch.trial", "hpsearch.space", "hpsearch.history"]
)
def test_nothing_heavy_comes_with(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert HEAVY & set(loaded.split()) == set()


@pytest.mark.parametrize("folder", ["hpsearch", "trainers", "tests"])
def test_files_and_functions_are_short(folder: str) -> None:
    long_files = [file for file in sources(folder) if len((ROOT / file).read_text(encoding="utf-8").splitlines()) > 400]
    long_functions = [
        f"{file}:{node.lineno} {node.name}"
        for file, tree in sources(folder).items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= 60  # type: ignore[operator]
    ]
    assert (long_files, long_functions) == ([], [])


def test_the_command_line_alone_prints() -> None:
    prints = {
        file
        for file, tree in sources("hpsearch", "trainers").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert prints <= {"hpsearch/cli.py", "hpsearch/screen.py", "hpsearch/templates/trainer.py"}
