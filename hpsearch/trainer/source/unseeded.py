"""Finds random numbers in a trainer's source that no seed determines: such trials cannot be reproduced.

Only the source is read. A generator that is created only if the caller has given none is not reported.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

from hpsearch.provenance.sources import Sources
from hpsearch.trainer.source.source_index import SourceIndex, name_of
from hpsearch.trainer.source.source_reader import Function

SEED_OF_PROGRAM = 'int(os.environ["HPSEARCH_SEED"])'
"""The expression of the trial's seed in a program."""

MAX_BYTES = 1 << 20
"""The most source text that is searched."""

GENERATORS = {"default_rng", "RandomState", "SeedSequence", "PCG64", "MT19937", "Philox", "SFC64"}
"""Of NumPy; without a seed they take one from the operating system."""

SEEDS = {
    "seed",
    "manual_seed",
    "manual_seed_all",
    "set_seed",
    "set_random_seed",
    "seed_all",
    "seed_everything",
    "PRNGKey",
    "Random",
}
"""Functions that set a seed, besides GENERATORS."""

CHANGING = {"time", "time_ns", "perf_counter", "monotonic", "now", "getpid", "urandom", "uuid1", "uuid4", "randbits"}
CHANGING |= {"token_bytes", "token_hex", "randbelow", "SystemRandom"}
"""Functions with another result in every run."""

CANDIDATE = re.compile(
    rf"({'|'.join([*sorted(GENERATORS), 'Random', 'seed', 'seed_all'])})\(\s*(\w+\s*=\s*)?(None\s*)?\)|SystemRandom"
    rf"|\b({'|'.join(sorted(CHANGING))})\("
)
"""Matches each text with a call that may be reported."""

SEEDED_BY_THEMSELVES = {"ultralytics", "transformers", "pytorch_tabnet", "jax"}
"""Packages whose trainings have a fixed seed if the script gives none, or that draw with explicit keys only."""

DRAWING = {"torch", "tensorflow", "keras", "lightning", "pytorch_lightning"}
"""Packages whose new layers have random weights."""


def unseeded(own: Sources, entry: str, run_seed: str) -> str:
    """A warning about the first call of that kind; "" if there is none. entry: the name of the trainer's function; ""
    if all code is run, as that of a program. run_seed: the expression of the trial's seed."""
    try:
        texts = own.read()
        if sum(map(len, texts.values())) > MAX_BYTES:
            return ""
        candidates = [name for name, text in texts.items() if CANDIDATE.search(text)]
        trees = {name: ast.parse(text) for name, text in texts.items()} if candidates else {}
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ""
    used = _used(trees.values(), entry)
    for name in candidates:
        for call, what in _Reader(SourceIndex({name: trees[name]}), used, is_program=not entry).found():
            return _warning(call, what, name, own.files.get(name), run_seed)
    return ""


def script_without_seed(own: Sources, given: Iterable[str]) -> str:
    """A warning about a Python program that trains, if nothing in its sources and in what it is given (words of its
    command, names and values of its parameters) is called a seed; else ""."""
    script = next((path.name for path in own.files.values() if path.suffix == ".py"), "")
    if not script or not own.packages & DRAWING or own.packages & SEEDED_BY_THEMSELVES:
        return ""
    texts = [path.read_text(errors="replace") for path in own.files.values() if path.is_file()]
    if any(re.search("seed|random_state", text, re.IGNORECASE) for text in (*texts, *given)):
        return ""
    return (
        f"{script} sets no seed, so its random numbers differ in every run: no trial can be reproduced, and trials "
        f"differ by chance. Write `torch.manual_seed({SEED_OF_PROGRAM})` at its start"
    )


def _used(trees: Iterable[ast.Module], entry: str) -> Set[str]:
    """The names of functions and classes that the trainer may use: those in its function, in the code outside of
    functions, and in what these use."""
    definitions: dict[str, list[ast.stmt]] = {}
    todo: list[ast.AST] = []
    for statement in (one for tree in trees for one in tree.body):
        if isinstance(statement, Function | ast.ClassDef):
            definitions.setdefault(statement.name, []).append(statement)
        elif not entry or not _is_main(statement):
            todo.append(statement)
    found = {entry} if entry in definitions or not entry else {*definitions}
    todo += [statement for name in found for statement in definitions.get(name, [])]
    while todo:
        for node in ast.walk(todo.pop()):
            name = name_of(node)
            if name and name not in found:
                found.add(name)
                todo += definitions.get(name, [])
    return found


def _is_main(statement: ast.AST) -> bool:
    return isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)


def _warning(call: ast.Call, what: str, name: str, place: Path | None, run_seed: str) -> str:
    where = f"line {call.lineno} of {place.name}" if place is not None else f"`{name.rpartition(':')[2]}`"
    function = ast.unparse(call.func)
    own = name_of(call.func)
    if own == "SystemRandom":
        advice = f"write `random.Random({run_seed})`"
    elif own in {"seed", "seed_all"} and not call.args:
        advice = "leave it out: each trial starts with the seed of Python, NumPy and torch set"
    else:
        advice = f"write `{function}({run_seed})`"
    return f"{where} calls `{function}`{what}: its numbers differ in every run, so no trial can be reproduced; {advice}"


class _Reader:
    """used: the names of functions and classes that the trainer may use."""

    def __init__(self, index: SourceIndex, used: Set[str], *, is_program: bool):
        self._index, self._used, self._is_program = index, used, is_program
        self._calls = [node for node in index.nodes if isinstance(node, ast.Call)]
        imports = [
            node for node in index.nodes if isinstance(node, ast.ImportFrom) and node.module in {"random", "secrets"}
        ]
        self._of_random = {alias.asname or alias.name for node in imports for alias in node.names}

    def found(self) -> Iterator[tuple[ast.Call, str]]:
        """The calls, in the order of the text, each with what is wrong with its seed."""
        for call in sorted(self._calls, key=lambda one: (one.lineno, one.col_offset)):
            what = self._fault(call)
            if what and self._is_always_run(call) and not self._is_seeded_later(call):
                yield call, what

    def _fault(self, call: ast.Call) -> str:
        name = name_of(call.func)
        if name in self._index.defined or name not in {"SystemRandom", "Random"} | GENERATORS | SEEDS:
            return ""
        if name in {"SystemRandom", "Random"} and not self._is_of_random(call):
            return ""
        if name == "SystemRandom":
            return ", which has no seed"
        given = [*call.args, *(one.value for one in call.keywords)]
        if not given or (isinstance(given[0], ast.Constant) and given[0].value is None):
            takes_one = name in GENERATORS | {"Random"} or (name in {"seed", "seed_all"} and self._is_of_library(call))
            return " without a seed" if takes_one else ""
        source = next((found for one in given for found in self._changing(one)), "")
        return f" with a seed from `{source}`" if source else ""

    def _is_of_random(self, call: ast.Call) -> bool:
        """Whether the function is of Python's module random, or of secrets."""
        match call.func:
            case ast.Attribute(value=ast.Name(id="random" | "secrets")):
                return True
            case ast.Name(id=name):
                return name in self._of_random
        return False

    def _is_of_library(self, call: ast.Call) -> bool:
        """Whether it is random.seed(), np.random.seed(), torch.seed(), or the method of a generator."""
        owner = getattr(call.func, "value", None)
        made = [owner, *self._index.values.get(name_of(owner), [])]
        return name_of(owner) in {"random", "torch", "cuda"} or any(
            isinstance(one, ast.Call) and name_of(one.func) in {"Generator", "RandomState", "Random"} for one in made
        )

    def _changing(self, value: ast.expr, *, is_name: bool = False) -> Iterator[str]:
        """The functions called in a value that return another result in every run; a name is followed to its only
        assignment."""
        for node in ast.walk(value):
            if isinstance(node, ast.Call) and name_of(node.func) in CHANGING and self._is_always_run(node):
                yield ast.unparse(node.func)
            elif isinstance(node, ast.Name) and not is_name:
                assigned = self._index.values.get(node.id, [])
                if len(assigned) == 1 and assigned[0] is not None:
                    yield from self._changing(assigned[0], is_name=True)

    def _is_seeded_later(self, call: ast.Call) -> bool:
        """Whether the generator gets a seed or a state after it was created."""
        parent = self._index.parents.get(call)
        names = {name_of(target) for target in getattr(parent, "targets", [])} - {""}
        later = {"seed", "setstate", "set_state", "manual_seed", "bit_generator"}
        nodes = (node for node in self._index.nodes if isinstance(node, ast.Attribute) and node.attr in later)
        return any(name_of(node.value) in names for node in nodes)

    def _is_always_run(self, node: ast.AST) -> bool:
        """Whether it is neither under a condition, nor the default of a parameter, nor in a function that the trainer
        does not use."""
        parent = self._index.parents.get(node)
        while parent is not None:
            if isinstance(parent, ast.IfExp | ast.BoolOp | ast.arguments):
                return False
            if isinstance(parent, ast.If) and not (self._is_program and _is_main(parent)):
                return False
            is_top = isinstance(self._index.parents.get(parent), ast.Module)
            if is_top and isinstance(parent, Function | ast.ClassDef) and parent.name not in self._used:
                return False
            parent = self._index.parents.get(parent)
        return True
