"""Checks a trainer against its study by reading its files, before anything is imported or trained.

A fault is certain: the run would end with it. A warning may be wrong, because names may be computed. The run checks
what the source does not show.
"""

import ast
import difflib
import importlib.util
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from hpsearch.core.errors import TrainerError
from hpsearch.provenance.module_search import module_of
from hpsearch.provenance.sources import Sources
from hpsearch.study.parameter_effects import ParameterEffects
from hpsearch.trainer import import_errors
from hpsearch.trainer.arguments import check_names
from hpsearch.trainer.forms import FORMS
from hpsearch.trainer.source.effects_reader import effects_of
from hpsearch.trainer.source.parameter_flow import names_used
from hpsearch.trainer.source.source_reader import (
    MISSING,
    Definition,
    Function,
    Module,
    Scope,
    SourceReader,
    Unknown,
    fields,
)

BUILT_IN = {"bool", "int", "float", "str"}
MAPPINGS = {"dict", "Dict", "Mapping"}
MAX_BYTES = 1 << 20
"""The most that is searched for the uses of parameters."""

QUICK_BYTES = 50_000
"""In larger sources the uses of a parameter are looked for only if its name is nowhere in them: it takes seconds."""

MIN_PART_LENGTH = 3
"""Characters of a part of a name from which the name may be computed."""


@dataclass(frozen=True)
class SourceFault:
    """parameter: the wrong one, of [space] or trainer.options; "" if the trainer is wrong. message: the same as in a
    run."""

    message: str
    parameter: str = ""


@dataclass(frozen=True)
class SourceCheck:
    """warnings: a message for each metric that may be misspelt. effects: the conditions under which parameters have an
    effect. names_used: the names that may be read from the parameters; None if the source does not show them. doubts:
    warnings about the trainer itself."""

    faults: tuple[SourceFault, ...] = ()
    warnings: Mapping[str, str] = field(default_factory=dict)
    effects: ParameterEffects = field(default_factory=ParameterEffects)
    names_used: frozenset[str] | None = None
    doubts: tuple[str, ...] = ()


def check(key: str, use: str, folder: Path, given: Set[str], metrics: Set[str]) -> SourceCheck:
    """key: the trainer's name in messages. given: the names of all parameters, those of [space] and of trainer.options.
    metrics: names that the study reads."""
    reader = SourceReader()
    try:
        module = _module(key, use, folder, reader)
        if module is None:
            return SourceCheck()
        name = use.rpartition(":")[2]
        found = reader.definition(module, name)
        if found is MISSING:
            raise TrainerError(f"{key}: {module.name} has no `{name}`{_hint(name, module.defined)}")
        texts = _Texts.of(module)
        call = _Call(reader, texts, given)
        names = None if isinstance(found, Unknown) else _check_definition(key, found, call)
    except TrainerError as problem:
        return SourceCheck((SourceFault(str(problem)),))
    faults = () if names is None else tuple(_wrong_names(*names, given))
    return SourceCheck(faults, dict(_warnings(found, texts, metrics)), _effects(found, call), _names_used(found, call))


def _hint(name: str, there: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, [*there], n=1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _wrong_names(owner: str, known: Mapping[str, bool], given: Set[str]) -> Iterator[SourceFault]:
    """known: the names that the trainer takes, and whether each is required."""
    required = {name for name, is_required in known.items() if is_required}
    for wrong in [*sorted(given - known.keys()), ""]:
        try:
            check_names(owner, {*required, wrong} if wrong else given & known.keys(), known, required)
        except TrainerError as problem:
            yield SourceFault(str(problem), wrong)


def _module(key: str, use: str, folder: Path, reader: SourceReader) -> Module | None:
    """None if it has no source. TrainerError if there is no such module, or if it cannot be parsed."""
    place = use.rpartition(":")[0]
    if place.endswith(".py") and not (folder / Path(place).expanduser()).is_file():
        raise TrainerError(f"{key}: {import_errors.no_module(use, place, folder)}")
    name = module_of(use, folder)
    try:
        module = reader.module(name)
    except SyntaxError as problem:
        raise TrainerError(
            f"{key}: {problem.filename}:{problem.lineno}: {problem.msg}, so it cannot be imported"
        ) from None
    except (OSError, ValueError):
        return None
    if module is None and _is_not_found(name):
        raise TrainerError(f"{key}: {import_errors.no_module(use, name, folder)}")
    return module


def _is_not_found(name: str) -> bool:
    """Whether the top-level module is not found. Submodules are not checked: a package may define them in other
    ways."""
    with suppress(ImportError, ValueError, AttributeError):
        return importlib.util.find_spec(name.partition(".")[0]) is None
    return False


@dataclass(frozen=True)
class _Texts:
    """words: all names and strings in the trainer's files. parts: the parts of computed strings, such as "_loss" in
    f"{part}_loss". imports_ray: one of the files imports ray."""

    words: frozenset[str]
    parts: frozenset[str]
    imports_ray: bool
    files: Mapping[str, Path]

    @classmethod
    def of(cls, module: Module) -> "_Texts":
        own = Sources.of(module.name)
        words: set[str] = set()
        parts: set[str] = set()
        files = {module.name: module.path, **own.files}
        for path in set(files.values()):
            with suppress(OSError, SyntaxError, ValueError):
                its_words, its_parts = _words_and_parts(path.read_bytes())
                words |= its_words
                parts |= its_parts
        return cls(frozenset(words), frozenset(parts), "ray" in own.packages, files)


@lru_cache(maxsize=256)
def _words_and_parts(source: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """Cached, because a notebook checks the same files for many studies."""
    words: set[str] = set()
    parts: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        words.update(_words(node))
        if isinstance(node, ast.JoinedStr | ast.BinOp):
            parts.update(*map(_words, ast.iter_child_nodes(node)))
    return frozenset(words), frozenset(parts)


def _words(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name
        case ast.keyword(arg=str() as name):
            yield name


# The form, and the parameters ────────────────────────────────────────────────────────────────────


_Names = tuple[str, Mapping[str, bool]]
"""The owner of the names that a trainer takes, for messages; the names, and whether each is required."""


@dataclass(frozen=True)
class _Call:
    """A definition is checked against this. given: the names of the parameters."""

    reader: SourceReader
    texts: _Texts
    given: Set[str]


def _check_definition(key: str, found: Definition, call: _Call) -> _Names | None:
    """TrainerError if it is not a trainer. Returns the names that it takes, if the source shows them."""
    match found.node:
        case ast.ClassDef(bases=[], keywords=[], decorator_list=[]):
            raise TrainerError(f"{key} is a class, {FORMS}")
        case (ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[])) as function:
            return _check_function(key, found, function, call)
        case ast.Constant(value=value):
            raise TrainerError(f"{key} is an object of type {type(value).__name__}, {FORMS}")
    return None


def _check_function(key: str, found: Definition, function: Function, call: _Call) -> _Names | None:
    signature = _Signature.of(function)
    if not signature.run and len(signature.others) == 1 and call.texts.imports_ray:
        return None  # a function of ray.tune
    if not signature.others and not signature.takes_any and not function.args.vararg:
        raise TrainerError(
            f"{key} takes no parameters of a trial: write `def train(params, run)`, `def train(params)`, or a "
            "function whose parameters have the names of [space], such as `def train(lr, hidden)`"
        )
    if not (_is_generator(function) or _may_report(function, call.texts)):
        raise TrainerError(f"{key} is a function that neither yields, nor returns a value, nor reports, {FORMS}")
    if function.args.vararg or not signature.others or signature.others[0].name == "trial":
        return None  # `trial`: an Optuna objective, which requests its parameters by name
    if _is_generator(function):
        signature = signature.with_second_as_run(call.given)
    return _fields(found, signature, call)


@dataclass(frozen=True)
class _Parameter:
    name: str
    is_required: bool
    annotation: ast.expr | None
    default: ast.expr | None

    @property
    def hint(self) -> str:
        """The name of its type, without a module and without [...]."""
        if isinstance(self.annotation, ast.Constant) and isinstance(self.annotation.value, str):
            return self.annotation.value.partition("[")[0].rpartition(".")[2]
        text = "" if self.annotation is None else ast.unparse(self.annotation)
        return text.partition("[")[0].rpartition(".")[2]

    @property
    def is_value(self) -> bool:
        default = self.default.value if isinstance(self.default, ast.Constant) else None
        return self.hint in BUILT_IN or isinstance(default, bool | int | float | str)


@dataclass(frozen=True)
class _Signature:
    """As `Signature`, but read from the source."""

    run: str
    others: tuple[_Parameter, ...]
    takes_any: bool

    @classmethod
    def of(cls, function: Function) -> "_Signature":
        args = function.args
        positional = [*args.posonlyargs, *args.args]
        defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
        pairs = [*zip(positional, [*defaults, *args.defaults], strict=True)]
        pairs += zip(args.kwonlyargs, args.kw_defaults, strict=True)
        all_of_them = [_Parameter(one.arg, default is None, one.annotation, default) for one, default in pairs]
        run = next((one.name for one in all_of_them if one.name == "run" or one.hint == "Run"), "")
        return cls(run, tuple(one for one in all_of_them if one.name != run), args.kwarg is not None)

    def with_second_as_run(self, given: Set[str]) -> "_Signature":
        if self.run or len(self.others) < 2 or {other.name for other in self.others} & given:
            return self
        first, second, *rest = self.others
        return replace(self, run=second.name, others=(first, *rest))


def _fields(found: Definition, signature: _Signature, call: _Call) -> _Names | None:
    """None if it accepts any names, or if they are unknown."""
    first = signature.others[0]
    if first.hint in MAPPINGS:
        return None
    if first.hint and first.hint not in BUILT_IN:
        kind = call.reader.definition(found.module, first.hint)
        names = None if isinstance(kind, Unknown) else fields(call.reader, kind)
        if isinstance(kind, Definition) and isinstance(names, dict):
            return f"{kind.module.name}.{first.hint}", names
        return None
    if not _is_by_name(signature, call) or signature.takes_any:
        return None
    assert isinstance(found.node, ast.FunctionDef | ast.AsyncFunctionDef)
    return f"`{found.node.name}`", {other.name: other.is_required for other in signature.others}


def _is_by_name(signature: _Signature, call: _Call) -> bool:
    """Whether each parameter is passed as its own argument."""
    first, *rest = signature.others
    if first.hint and first.hint not in BUILT_IN:
        return False
    by_name = first.name in call.given or any(other.is_required for other in rest) or first.is_value
    return by_name or any(other.name in call.given for other in rest)


def _effects(found: Definition | Unknown, call: _Call) -> ParameterEffects:
    if isinstance(found, Unknown) or not isinstance(found.node, Function):
        return ParameterEffects()
    others = _Signature.of(found.node).others
    kind = call.reader.definition(found.module, others[0].hint) if others and others[0].hint else MISSING
    return effects_of(call.reader, kind)


def _names_used(found: Definition | Unknown, call: _Call) -> frozenset[str] | None:
    function = None if isinstance(found, Unknown) else found.node
    if not isinstance(function, Function) or function.args.vararg or function.decorator_list:
        return None
    signature = _Signature.of(function)
    if _is_generator(function):
        signature = signature.with_second_as_run(call.given)
    others = [one.name for one in signature.others]
    if others[:1] == ["trial"] or not (others or signature.takes_any):
        return None
    try:
        size = sum(path.stat().st_size for path in call.texts.files.values())
        if size > MAX_BYTES or (size > QUICK_BYTES and call.given <= call.texts.words):
            return None
        trees = {name: ast.parse(path.read_bytes()) for name, path in call.texts.files.items()}
    except (OSError, SyntaxError, ValueError):
        return None
    is_by_name = not others or _is_by_name(signature, call)
    hint = "" if is_by_name or signature.others[0].hint in MAPPINGS else signature.others[0].hint
    return names_used(trees, function, None if is_by_name else others[0], hint)


def _is_generator(function: Function) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own_scope(function))


def _own_scope(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function, without those of nested functions and classes."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, Scope):
            todo += ast.iter_child_nodes(node)


def _may_report(function: Function, texts: _Texts) -> bool:
    """Whether it returns a value, or its files may report: by a call, or by passing on the run."""
    if any("report" in word.lower() or "hpsearch" in word.lower() for word in texts.words):
        return True
    returns = any(
        isinstance(node, ast.Raise) or (isinstance(node, ast.Return) and node.value is not None)
        for node in _own_scope(function)
    )
    return returns or any(isinstance(node, ast.Name) and node.id == "run" for node in ast.walk(function))


# Names that may be wrong ─────────────────────────────────────────────────────────────────────────


def _warnings(found: Definition | Unknown, texts: _Texts, metrics: Set[str]) -> Iterator[tuple[str, str]]:
    function = found.node if isinstance(found, Definition) else None
    if not isinstance(function, Function) or not _is_generator(function):
        return  # the number that a function returns is the metric, and callbacks have names of their own
    for metric in sorted(metrics):
        if not _may_have(metric, texts):
            yield metric, f"no file of the trainer has the metric `{metric}`{_hint(metric, texts.words)}"


def _may_have(metric: str, texts: _Texts) -> bool:
    """Whether the source has the name, or strings that may form it, such as f"{part}_loss" or "val/loss"."""
    pieces = {piece for piece in re.split(r"[\W_]+", metric) if piece}
    if metric in texts.words or pieces <= texts.words:
        return True
    parts = [part for part in texts.parts if len(part) >= MIN_PART_LENGTH]
    return any(metric.startswith(part) or metric.endswith(part) for part in parts)
