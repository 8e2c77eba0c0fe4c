"""Which way dependencies point, where each heavy package is imported, and how long things may be (DESIGN, STYLE)."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.xdist_group("architecture")  # the sources are parsed once

FLOORS = (
    ("core",),
    ("study", "doctor", "pruners", "provenance"),
    ("trainer", "journal", "plots"),
    ("records", "workers", "samplers"),
    ("preflight", "tracking"),
    ("orchestrator",),
    ("evaluation", "reproduce", "progress"),
    ("reports",),
    ("api", "testing"),
    ("cli", "web"),
    ("__main__",),
)
"""The rooms of hpsearch, the lowest floor first. An import goes down, or stays in its room."""

HOMES = {
    "optuna": {"hpsearch/samplers/optuna"},
    "cmaes": {"hpsearch/samplers"},
    "ray": {"hpsearch/workers/pools/ray", "hpsearch/trainer/adapters/ray_tune.py"},
    "mlflow": {"hpsearch/tracking/dashboard_app.py", "hpsearch/tracking/mlflow_runs.py"},
    "sqlalchemy": {"hpsearch/journal"},
    "alembic": {"hpsearch/journal"},
    "psycopg": {"hpsearch/journal"},
    "jinja2": {"hpsearch/reports"},
    "pytest": {"hpsearch/testing"},
    "torch": {
        "hpsearch/cli/templates",
        "hpsearch/preflight/measure",
        "hpsearch/samplers/optuna",
        "hpsearch/trainer",
        "hpsearch/workers",
        "trainers",
    },
    "plotly": {"hpsearch/plots"},
    "sklearn": {"hpsearch/cli/templates", "trainers"},
}
HEAVY = {*HOMES, "numpy", "pandas", "scipy"}

ACROSS = {"benchmarks", "chaos", "cli", "contracts", "corpus", "security", "support", "trainers"}
"""Folders of tests/ that are no mirror of a room of hpsearch: from end to end, or what tests are built on."""

OF_SEVERAL_MODULES = {"tests/doctor/test_faults.py", "tests/doctor/test_signs.py"}
"""training_signs and validation_signs alike, and the faults that both are tried on."""

PUBLIC_TO_TRAINERS = {"Fold", "Infeasible", "Part", "Predictions", "Report", "Run", "check_unsealed"}


def test_the_tests_of_a_group_run_in_one_process(request: pytest.FixtureRequest) -> None:
    """pytest-xdist groups tests by the end of their names: without it the tests of Ray run beside each other."""
    if hasattr(request.config, "workerinput"):
        assert request.node.nodeid.endswith("@architecture")


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


@cache
def modules() -> frozenset[str]:
    return frozenset(map(module_of, sources("hpsearch")))


def targets(one: Import) -> set[str]:
    """The modules of hpsearch that an import brings in: `from hpsearch import wire` is wire, a name of it is ""."""
    if one.package != "hpsearch":
        return set()
    inside = one.module.removeprefix("hpsearch").lstrip(".")
    named = {f"{inside}.{name}".lstrip(".") for name in one.names} & modules()
    return named or {inside}


def floor_of(module: str) -> int:
    """Of a module of hpsearch, by its room; the root's names are below everything."""
    room = module.partition(".")[0]
    return next((number for number, rooms in enumerate(FLOORS, 1) if room in rooms), 0 if room == "" else -1)


def test_every_room_has_a_floor() -> None:
    assert [file for file in sources("hpsearch") if floor_of(module_of(file)) < 0] == []
    assert {path.name for path in (ROOT / "hpsearch").iterdir() if path.is_file()} <= {
        "__init__.py",
        "__main__.py",
        "api.py",
        "py.typed",
    }


def test_the_documentation_has_the_same_rooms_on_the_same_floors() -> None:
    text = (ROOT / "docs" / "objects.md").read_text(encoding="utf-8")
    documented = {room: int(floor) for floor, room in re.findall(r"^\| (\d+) \| `(\w+)/` \|", text, re.MULTILINE)}
    assert documented == {
        path.name: floor_of(path.name) for path in (ROOT / "hpsearch").iterdir() if (path / "__init__.py").exists()
    }


def test_no_import_runs_up() -> None:
    wrong = [
        f"{one.file} imports {target or 'hpsearch'}"
        for one in imports("hpsearch")
        if one.file != "hpsearch/__init__.py"
        for target in targets(one)
        if target.partition(".")[0] != module_of(one.file).partition(".")[0]
        and floor_of(target) >= floor_of(module_of(one.file))
    ]
    assert wrong == []


def test_no_two_modules_have_one_name_and_none_repeats_its_room() -> None:
    """But `base`, where each room of variants has its protocol; and the command line's verbs, named after what they
    call."""
    named = defaultdict(list)
    for file in sources("hpsearch"):
        if not file.startswith("hpsearch/cli/") and "migrations" not in file:
            named[Path(file).stem].append(file)
    assert [files for name, files in named.items() if name not in ("__init__", "base") and len(files) > 1] == []
    assert [file for file in sources("hpsearch") if Path(file).stem == Path(file).parent.name] == []


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
    assert set(eager) <= {"hpsearch/cli/templates/trainer.py"}, "what a user copies is a trainer"


def test_a_trainer_knows_what_hpsearch_offers_and_nothing_of_how_it_works() -> None:
    allowed = {"hpsearch", "trainers", "torch", "torchmetrics", "numpy", "sklearn", *sys.stdlib_module_names}
    for one in imports("trainers"):
        assert one.package in allowed, f"{one.file} imports {one.module}"
        if one.package == "hpsearch":
            assert one.module == "hpsearch", f"{one.file} imports {one.module}"
            assert set(one.names) <= PUBLIC_TO_TRAINERS


def test_trainers_are_found_by_name_alone() -> None:
    assert [one.file for one in imports("hpsearch") if one.package == "trainers"] == []


@pytest.mark.parametrize(
    "module",
    [
        "hpsearch",
        "hpsearch.cli.main",
        "hpsearch.core.errors",
        "hpsearch.core.trial",
        "hpsearch.study.space",
        "hpsearch.core.history",
        "hpsearch.workers.isolation.template",
    ],
)
def test_nothing_heavy_comes_with(module: str) -> None:
    """A template is forked for each trial, and each import that a trial does not need makes the fork slower."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    shared_with_trials = {"numpy"} if module.endswith("template") else set()
    assert {*HEAVY, "pydantic"} & set(loaded.split()) == shared_with_trials


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


def test_tests_mirror_the_rooms() -> None:
    """A test file is named after the module, or the package, that it tests: test_loop.py, test_loop_limits.py."""
    strays = []
    for path in map(Path, sources("tests")):
        room = path.parent.relative_to("tests")
        if not path.name.startswith("test_") or not room.parts or room.parts[0] in ACROSS:
            continue
        there = {module.stem for module in (ROOT / "hpsearch" / room).glob("[a-z]*")}
        name = path.stem.removeprefix("test_")
        if not any(name == module or name.startswith(f"{module}_") for module in there | {"contract"}):
            strays.append(str(path))
    assert set(strays) == OF_SEVERAL_MODULES


@pytest.mark.parametrize("folder", ["hpsearch", "trainers", "tests", "docs"])
def test_a_file_that_is_named_in_a_text_is_there(folder: str) -> None:
    named = re.compile(r"\b(?:hpsearch|trainers|tests)/[\w/]+\.py\b")
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).glob("*.md")]
        for name in named.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }
    assert missing == set()


def test_the_command_line_alone_prints() -> None:
    prints = {
        file
        for file, tree in sources("hpsearch", "trainers").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert prints <= {"hpsearch/cli/main.py", "hpsearch/progress/terminal.py", "hpsearch/cli/templates/trainer.py"}
