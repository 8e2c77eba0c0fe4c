"""Checks before a run: whether the trainer's source files, which are not imported, agree with space and metrics; and
likely mistakes in the study file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hpsearch.core.errors import Fault, HpsearchError, StudyFileError, TrainerError
from hpsearch.core.folders import nearby
from hpsearch.core.messages import Unread
from hpsearch.core.trial import ASK_AND_TELL
from hpsearch.study.definition import Study
from hpsearch.study.file import reading
from hpsearch.study.file.lines import KeyPath
from hpsearch.study.likely_mistakes import likely_mistakes
from hpsearch.study.parameter_effects import without_effect
from hpsearch.trainer import contract, parameter_reads
from hpsearch.trainer.adapters import script_check
from hpsearch.trainer.arguments import delivered_names, head
from hpsearch.trainer.contract import sources_of_trainer
from hpsearch.trainer.source import overwritten, source_check, unseeded
from hpsearch.trainer.source.source_check import SourceCheck


def check(study: Study) -> SourceCheck:
    """The findings in the trainer's sources; for a Python object, only those of `_doubts`."""
    own = study.trainer
    if own.use == ASK_AND_TELL or (own.from_python and study.own("trainer") is None):
        return SourceCheck()
    found = _checked(study)
    return found if found.faults else replace(found, doubts=(*found.doubts, *filter(None, _doubts(study))))


def _doubts(study: Study) -> Iterator[str]:
    """Warnings about searched values that are replaced, and about random numbers without a seed."""
    own, sources = study.trainer, sources_of_trainer(study)
    names = [parameter.name for parameter in study.space.parameters]
    if own.program is None:
        entry = own.use.rpartition(":")[2]
        yield overwritten.overwritten(sources, entry, set(delivered_names(study.space, names)))
        yield unseeded.unseeded(sources, entry, "run.seed")
        return
    fixed = (str(word) for pair in (*study.space.fixed.items(), *own.options.items()) for word in pair)
    warning = unseeded.unseeded(sources, "", unseeded.SEED_OF_PROGRAM)
    yield warning or unseeded.script_without_seed(sources, (*own.program.words, *names, *fixed))


def _checked(study: Study) -> SourceCheck:
    own = study.trainer
    if study.own("trainer") is not None:
        return SourceCheck()
    if own.program is not None:
        return script_check.check(own.program, study.space, own.options, study.folder)
    given = _given(study)
    name = (
        contract.display_name(own.use) if study.path is None else f'"{own.use}"'
    )  # faults of a file have the key in front
    return source_check.check(name, own.use, study.folder, given, set(_metrics(study)))


def _given(study: Study) -> set[str]:
    """The names of all parameters that the trainer gets; for tables, those of the tables."""
    searched = delivered_names(study.space, (parameter.name for parameter in study.space.parameters))
    return {head(name) for name in (*searched, *study.space.fixed, *study.trainer.options)}


def unused(study: Study, found: SourceCheck) -> Mapping[str, Unread]:
    """The searched parameters that the source of the trainer uses nowhere."""
    return parameter_reads.unused(study.space, found.names_used, _given(study))


def raise_faults(study: Study, found: SourceCheck) -> None:
    """StudyFileError, each fault with its line; TrainerError if the study has no file."""
    if found.faults and study.path is not None and study.path.is_file():
        raise StudyFileError(faults(study, found, Path(nearby(str(study.path)))))
    if found.faults:
        raise TrainerError("\n".join(fault.message for fault in found.faults))


def faults(study: Study, found: SourceCheck, file: Path) -> list[Fault]:
    """The faults, each with its line in the study file."""
    placed: list[tuple[KeyPath, str]] = []
    for fault in found.faults:
        table = ("trainer", "options") if fault.parameter in study.trainer.options else ("space",)
        placed.append(((*table, fault.parameter) if fault.parameter else _trainer_key(study), fault.message))
    return _with_lines(file, placed)


def warnings(study: Study, found: SourceCheck, file: Path) -> list[Fault]:
    """As `faults`, for settings that are valid but probably mistakes."""
    keys = _metrics(study)
    of_trainer = [(keys[metric], message) for metric, message in found.warnings.items()]
    misspelt = [
        (("space", name), f"the trainer never reads it; did you mean `{one.missing[0]}`?")
        for name, one in unused(study, found).items()
        if one.missing
    ]
    doubts = [(_trainer_key(study), message) for message in found.doubts]
    others = [*likely_mistakes(study), *without_effect(study, found.effects), *_not_recorded(study)]
    return _with_lines(file, [*of_trainer, *doubts, *misspelt, *others])


def _trainer_key(study: Study) -> KeyPath:
    return ("trainer", "use" if study.trainer.command is None else "command")


def _not_recorded(study: Study) -> list[tuple[KeyPath, str]]:
    """Names in search.learn_from that the journal does not have; only in a file, since a server may not answer."""
    if not study.search.learn_from or not study.journal_url.startswith("sqlite"):
        return []
    from hpsearch.orchestrator.evidence import learned_studies  # imports the journal, which `check` rarely needs

    try:
        missing = learned_studies.not_recorded(study)
    except HpsearchError:
        return []  # `run` reports a database that cannot be read
    return [(("search", "learn_from"), missing)] if missing else []


def _metrics(study: Study) -> dict[str, KeyPath]:
    """The metrics that the study uses, each with the first key that names it."""
    keys: list[tuple[str, KeyPath]] = [(study.objective.metric, ("study", "metric"))]
    if study.early_stopping is not None and study.early_stopping.metric is not None:
        keys.append((study.early_stopping.metric, ("early_stopping", "metric")))
    keys += [(one.metric, ("study", "objectives", n, "metric")) for n, one in enumerate(study.study.objectives or ())]
    for place, one in enumerate(study.objective.require):
        names = () if one.spelled else sorted(one.names)  # val/latency may be a metric or a division
        keys += [(name, ("study", "require", place)) for name in names]
    return dict(reversed(keys))


def _with_lines(file: Path, placed: Sequence[tuple[KeyPath, str]]) -> list[Fault]:
    """The file is read only if there is something to place."""
    if not placed:
        return []
    _, lines = reading.parse(file, reading.read(file))
    return [Fault(reading.where(file), lines.find(path), ".".join(map(str, path)), text) for path, text in placed]
