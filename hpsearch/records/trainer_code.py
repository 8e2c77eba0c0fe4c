"""The code of a study's trainer at the first run, and its differences from the present code.

All trials of a study are trained with the same code: results of two versions cannot be compared, and a sampler cannot
learn from both. Comments, docstrings and white space are ignored.
"""

import ast
import difflib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from hpsearch.core.folders import data_folder
from hpsearch.core.redact import redact, without_keys
from hpsearch.core.trial import ASK_AND_TELL, State, Trial
from hpsearch.journal import Journal, StudyRecord
from hpsearch.provenance import environment, named_files
from hpsearch.provenance.sources import Sources, file_hash, source_text
from hpsearch.records.study_place import TRAINER_CODE
from hpsearch.study.definition import Study
from hpsearch.trainer.contract import sources_of_trainer

MAX_TEXT_LENGTH = 1 << 18
"""Characters of a file's text that are kept, to quote its changed lines."""

SHOWN, QUOTED = 3, 100
"""Maximum number of changed lines of a file that a message quotes, and of characters of each."""


RULES = 5
"""Version of the rules that find the sources. 1: without modules that are imported by importlib.import_module. 2:
without those in folders that the trainer adds to sys.path. 3: without those of computed names that are no f-string. 4:
without Makefiles and the text of `sh -c`."""


@dataclass(frozen=True)
class SourceText:
    """A file or an object of a trainer. digest: of its code, or of its content if that is not Python. text: with
    passwords and keys replaced; "" if it is unknown or too long."""

    digest: str
    text: str

    @classmethod
    def of_file(cls, path: Path) -> "SourceText":
        try:
            return cls.of_text(source_text(path))
        except (OSError, SyntaxError, UnicodeDecodeError):
            return cls(file_hash(path), "")

    @classmethod
    def of_text(cls, text: str) -> "SourceText":
        return cls(_digest(text), without_keys(redact(text)) if len(text) <= MAX_TEXT_LENGTH else "")

    @classmethod
    def of_settings(cls, path: Path) -> "SourceText":
        """A settings file: comments and layout do not count."""
        if path.suffix == ".py":
            return cls.of_file(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
            digest = hashlib.sha256(named_files.settings_text(path).encode("utf-8", "backslashreplace")).hexdigest()
        except (OSError, UnicodeDecodeError):
            return cls(file_hash(path), "")
        return cls(digest, without_keys(redact(text)))

    def is_same(self, other: "SourceText") -> bool:
        """The digest depends on the version of Python, so equal texts and equal syntax trees are the same too."""
        known = bool(self.text and other.text)
        return self.digest == other.digest or (known and _syntax(self.text) == _syntax(other.text))


@lru_cache(maxsize=256)
def _digest(text: str) -> str:
    """Cached, because the start of a study compares its code with the recorded code several times."""
    return hashlib.sha256(_syntax(text).encode("utf-8", "backslashreplace")).hexdigest()


def _syntax(text: str) -> str:
    """The syntax tree of a text, without docstrings; the text itself if it is not Python, for example after a password
    was replaced."""
    try:
        tree = ast.parse(text.removeprefix("\ufeff"))  # earlier versions recorded the byte-order mark
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                node.body = node.body[ast.get_docstring(node, clean=False) is not None :]
        return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError):
        return text


@dataclass(frozen=True)
class TrainerCode:
    """file: the study file, "" for a study without one. sources: the trainer's modules and objects.
    versions: of Python and of the packages that it imports. settings, data: files that the sources name, see
    `NamedInputs`; digests of their content. variables: digests of the environment variables that the sources name.
    rules: version of the rules that found the sources, see `RULES`. constants: digests of the global variables that
    the code of a program or notebook names. late: sources that were only found after the trainer was imported in this
    process, because it adds a folder to sys.path that its text does not show. Another process may not find them.
    mixed: the named data, variables and constants that have changed after trials were trained with them: the first
    digest of each, and the time (ms) of the run that saw its change.
    """

    file: str
    sources: Mapping[str, SourceText]
    versions: Mapping[str, str]
    settings: Mapping[str, SourceText] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    rules: int = RULES
    constants: Mapping[str, str] = field(default_factory=dict)
    late: Sequence[str] = ()
    mixed: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study) -> "TrainerCode":
        """The code that a worker would import. Imports nothing."""
        file = str(study.path.resolve()) if study.path is not None else ""
        if study.trainer.use == ASK_AND_TELL:
            return cls(file, {}, {})
        own = sources_of_trainer(study)
        sources = {name: SourceText.of_file(path) for name, path in sorted(own.files.items())}
        for name, digest in own.objects.items():
            sources[name] = SourceText.of_text(own.texts[name]) if name in own.texts else SourceText(digest, "")
        return cls(file, sources, environment.versions(own), **_named(study, own))

    @classmethod
    def recorded(cls, journal: Journal, record: StudyRecord) -> "TrainerCode | None":
        """None if it is not recorded, because the first run used an earlier version or was killed at its start."""
        found = journal.documents(record.id).get(TRAINER_CODE)
        if found is None:
            return None
        texts = [
            {name: SourceText(**one) for name, one in found.get(kind, {}).items()} for kind in ("sources", "settings")
        ]
        data, variables = found.get("data", {}), found.get("variables", {})  # earlier versions recorded neither
        rules, constants = found.get("rules", 1), found.get("constants", {})
        known = cls(found["file"], texts[0], found["versions"], texts[1], data, variables, rules, constants)
        return replace(known, late=tuple(found.get("late", ())), mixed=found.get("mixed", {}))

    def imported_after(self, before: "TrainerCode") -> "TrainerCode":
        """This code, of an imported trainer. before: the code before the import."""
        return replace(self, late=sorted(self.sources.keys() - before.sources.keys()))

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def changes_since(self, before: "TrainerCode") -> list[str]:
        """Each file with changed code, with its first changed lines."""
        found: list[str] = []
        for name in sorted(before.sources.keys() | self.sources.keys()):
            old, new = before.sources.get(name), self.sources.get(name)
            if (old is None and before.rules < self.rules) or (name in before.late and None in (old, new)):
                continue
            if old is None or new is None:
                found.append(f"{name}: {'added' if old is None else 'no longer part of the trainer'}")
            elif not new.is_same(old):
                found += _difference(name, old.text, new.text)
        for name in sorted(before.settings.keys() & self.settings.keys()):
            if before.settings[name].digest != self.settings[name].digest:
                found += _difference(name, before.settings[name].text, self.settings[name].text)
        return found

    def inputs(self) -> dict[str, str]:
        """The digests of data files and variables, which may change the results but are not code."""
        kinds = (
            ("the file", self.data),
            ("the environment variable", self.variables),
            ("the variable", self.constants),
        )
        return {f"{kind} {name}": digest for kind, found in kinds for name, digest in found.items()}

    def version_changes_since(self, before: "TrainerCode") -> str:
        """`torch 2.12.0 -> 2.13.0`, for a note; "" if all are the same."""
        pairs = ((name, before.versions[name], now) for name, now in self.versions.items() if name in before.versions)
        return ", ".join(f"{name} {old} -> {now}" for name, old, now in pairs if old != now)


def _named(study: Study, own: Sources) -> dict[str, Any]:
    """The files and environment variables that the sources and the study file name."""
    texts = [*((own.texts[name], study.folder) for name in own.texts)]
    for path in own.files.values():
        with suppress(OSError, SyntaxError, UnicodeDecodeError):
            texts.append((source_text(path), path.parent))
    spec = study.spec()
    folders = [study.folder, Path.cwd(), *([data] if (data := data_folder()) else [])]
    found = named_files.named_inputs(texts, _strings([spec["trainer"], spec["space"]]), folders)
    known = {path.resolve() for path in own.files.values()}
    settings = {name: path for name, path in found.settings.items() if path.resolve() not in known}
    declares_data = any(".uses(" in text for text, _ in texts)  # `Run.uses`: compared while trials train
    return {
        "settings": {name: SourceText.of_settings(path) for name, path in settings.items()},
        "data": {name: named_files.data_digest(path) for name, path in found.data.items() if not declares_data},
        "variables": {name: named_files.variable_digest(name, os.environ.get(name)) for name in found.variables},
        "constants": {name: named_files.variable_digest(name, repr(value)) for name, value in own.constants.items()},
    }


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _strings([*value.values()])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)


def has_results(trials: Iterable[Trial]) -> bool:
    """Whether a trial has reports of the trainer's recorded code. FAILED ones do not count: a corrected trainer trains
    them again."""
    return any(trial.curve and not trial.superseded and trial.state is not State.FAILED for trial in trials)


def _difference(name: str, before: str, after: str) -> Iterator[str]:
    """A line for each of the first changed lines, by its number in the present file."""
    old, new = _code_lines(before), _code_lines(after)
    blocks = difflib.SequenceMatcher(None, [line for _, line in old], [line for _, line in new], autojunk=False)
    changes = [
        pair
        for tag, first, end, start, stop in blocks.get_opcodes()
        if tag != "equal"
        for pair in zip_longest(old[first:end], new[start:stop])
    ]
    if not changes or not (before and after):
        yield f"{name}: changed"
        return
    for was, now in islice(changes, SHOWN):
        place = f"line {now[0]}" if now else f"line {was[0]} of before"
        start = _start_of_difference(was[1], now[1]) if was and now else 0
        yield f"{name}, {place}: was {_quoted(was, start)}, is {_quoted(now, start)}"
    if len(changes) > SHOWN:
        yield f"{name}: {len(changes) - SHOWN} more changed lines"


def _code_lines(text: str) -> list[tuple[int, str]]:
    """Number and text of the lines, without empty ones and comments."""
    stripped = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]


def _start_of_difference(was: str, now: str) -> int:
    """Where to begin with long lines, so that what differs is shown."""
    if max(len(was), len(now)) <= QUOTED:
        return 0
    first = next(
        (at for at, (old, new) in enumerate(zip(was, now, strict=False)) if old != new), min(len(was), len(now))
    )
    return max(first - QUOTED // 2, 0)


def _quoted(line: tuple[int, str] | None, start: int) -> str:
    return "absent" if line is None else f"`{'…' * (start > 0)}{line[1][start : start + QUOTED]}`"
