"""Reads from a program's sources whether it reports itself, has checkpoints, and reads the number of epochs."""

import re
from collections.abc import Iterator
from pathlib import Path

from hpsearch.core.trial import Params
from hpsearch.provenance.sources import SCRIPTS, Sources, read_once
from hpsearch.study import placeholders
from hpsearch.study.program import Program
from hpsearch.trainer.reporting import REPORT

CHECKPOINTS = "HPSEARCH_CHECKPOINT_DIR"
"""The environment variable with the folder of a trial's checkpoints. A program that reads it can be continued."""

EPOCHS, STEPS = "HPSEARCH_EPOCHS", "HPSEARCH_STEPS"
"""The environment variables with the maximum number of epochs or training steps of a trial: the same number."""

TARGETS = {
    **dict.fromkeys(("make", "gmake"), ("GNUmakefile", "makefile", "Makefile")),
    "just": ("justfile", "Justfile", ".justfile"),
}
"""Programs that run commands of a file, and the names of that file in their order."""

PATH = re.compile(r"[\w./-]+")

IMPORTS_REPORT = re.compile(r"^[^\S\n]*from hpsearch import .*\breport\b", re.MULTILINE)


def sources_of(program: Program, folder: Path) -> Sources:
    """The files in a command, also of `python -m package.module`, `sh -c "python train.py"` and `make`, and the files
    that these import or run."""
    words = [word for word in program.words if "{" not in word]
    modules = [words[place + 1].replace(".", "/") for place, word in enumerate(words[:-1]) if word == "-m"]
    named = [*words, *(f"{module}{end}" for module in modules for end in (".py", "/__main__.py"))]
    named += [
        part for word in program.words if " " in word for part in PATH.findall(word) if Path(part).suffix in SCRIPTS
    ]
    named += [name for name in TARGETS.get(Path(program.words[0]).name, ()) if (folder / name).is_file()][:1]
    files = tuple(folder / name for name in named if name and (folder / name).is_file())
    return read_once(files, lambda: Sources.of_files(files))


def reads(program: Program, folder: Path, variable: str) -> bool:
    """Whether the sources of a program name this environment variable."""
    return any(variable in text for text in _texts(sources_of(program, folder)))


def has_checkpoints(program: Program, sources: Sources) -> bool:
    """Whether a program can be continued: its command has the checkpoint folder, or it reads the variable."""
    if program.resume or any("checkpoint_dir" in placeholders.used(word) for word in program.words):
        return True
    return any(CHECKPOINTS in text for text in _texts(sources))


def knows_length(program: Program, options: Params, sources: Sources) -> bool:
    """Whether a program is given the number of epochs to train: `{epochs}`, or it reads the variable."""
    words = [*program.words, *program.resume, *(value for value in options.values() if isinstance(value, str))]
    is_passed = any(not placeholders.used(word).isdisjoint(lengths(program)) for word in words)
    return is_passed or any(EPOCHS in text or STEPS in text for text in _texts(sources))


def lengths(program: Program) -> set[str]:
    """The placeholders with the length of a trial."""
    return {placeholders.EPOCHS, placeholders.STEPS} if program.in_steps else {placeholders.EPOCHS}


def reports_itself(sources: Sources) -> bool:
    """Whether a program writes lines of JSON. Then its output is not searched for metrics."""
    return any(REPORT in text or "hpsearch.report" in text or IMPORTS_REPORT.search(text) for text in _texts(sources))


def _texts(sources: Sources) -> Iterator[str]:
    yield from (path.read_text(errors="replace") for path in sources.files.values() if path.is_file())
