"""Changes in the code of a recorded study's trainer: they are refused, or accepted with --accept-changes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from hpsearch.core.clock import now_ms
from hpsearch.core.decisions import Decision
from hpsearch.core.errors import StudyChanged
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.journal import Batch, Journal, Lease, StudyRecord, TrainingSegment
from hpsearch.records.study_place import TRAINER_CODE, check_same_file
from hpsearch.records.trainer_code import TrainerCode, has_results
from hpsearch.study.definition import Study

ACCEPTED = "accept changes"
"""The kind of the decision that supersedes all earlier trials."""

TO_CONTINUE = (
    "undo the change to continue the study, or add one of these options:\n"
    "  --accept-changes  start the search again in this study; its earlier trials stay recorded, but "
    "the search ignores them\n"
    "  --fork NEW_NAME   start a new study that learns from the trials of this one\n"
    "(in Python: accept_changes=True, fork=NEW_NAME)"
)


@dataclass(frozen=True)
class CodeChanges:
    """changes: one line for each change; empty if no trial was trained with the recorded code."""

    before: TrainerCode | None
    now: TrainerCode
    changes: tuple[str, ...]

    @classmethod
    def of(cls, study: Study, journal: Journal, record: StudyRecord) -> "CodeChanges":
        """The changes since the last run. StudyChanged if the study of this name belongs to another study file."""
        before, now = TrainerCode.recorded(journal, record), TrainerCode.of(study)
        if before is not None:
            check_same_file(record.name, before.file, now.file)
        changes = now.changes_since(before) if before is not None else []
        if changes and not has_results(journal.trials(record.id)):
            changes = []
        return cls(before, now, tuple(changes))

    def refuse(self, name: str, advice: str = TO_CONTINUE) -> None:
        """StudyChanged if anything has changed. advice: what the user can do."""
        if self.changes:
            raise StudyChanged(
                f'the trainer\'s code, or a file that it names, has changed since the trials of study "{name}" were '
                "trained:\n  " + "\n  ".join(self.changes) + f"\n{advice}"
            )

    def accept(self, journal: Journal, lease: Lease, study: Study, note: Callable[[str], None]) -> None:
        """Record the present code, and mark the trials of other code as superseded."""
        if self.changes:
            own = [one for one in journal.trials(lease.study_id) if not one.superseded]
            reason = f"the code of the trainer has changed: {self.changes[0]}"
            decision = Decision(ACCEPTED, f"{many(len(own), 'trial')} superseded; {reason}", at=now_ms())
            with closing(journal.writer(lease, study.objective)) as writer:
                writer.write(Batch([_superseded(one) for one in own], (), [decision]))
            note(f"note: {decision.reason}. The search starts again; these trials stay recorded, but do not count")
        elif self.before is not None and (versions := self.now.version_changes_since(self.before)):
            note(f"note: versions have changed since the last run: {versions}. Results may differ slightly")
        now = self.now
        if self.before is not None:
            mixed = {} if self.changes else self._mixed(journal.trials(lease.study_id), note)
            now = replace(now, late=self.before.late, mixed=mixed)
        if self.before != now:
            journal.put_document(lease, TRAINER_CODE, now.document(), at=now_ms())

    def _mixed(self, trials: Sequence[Trial], note: Callable[[str], None]) -> Mapping[str, tuple[str, int]]:
        """What has changed after trials were trained with it, now or before an earlier run; a warning for each."""
        assert self.before is not None
        if not has_results(trials):
            return {}
        last = max(trial.ended_at for trial in trials)
        mixed = {one: (digest, at) for one, (digest, at) in self.before.mixed.items()}
        now, known, when = self.now.inputs(), self.before.inputs(), "since the first trials of this study were trained"
        for one in sorted(now.keys() & known.keys()):
            is_changed = now[one] != known[one]
            if one in mixed and mixed[one][0] == now[one] and mixed[one][1] > last:
                del mixed[one]  # the change was undone before a trial was trained with it
            elif is_changed or one in mixed:
                note(
                    f"warning: {one}, which the trainer's code names, has changed "
                    f"{'since the last run' if is_changed else when}: if the trainer reads it, results from before and "
                    "after are not comparable"
                )
                mixed.setdefault(one, (known[one], now_ms()))
        return mixed


def known_data(segments: Sequence[TrainingSegment], history: History, note: Callable[[str], None]) -> dict[str, str]:
    """The SHA-256 of each data set (`Run.uses`) that was the same in all trials so far, by its name; a warning for each
    other one."""
    found: dict[str, set[str]] = {}
    for segment in segments:
        for name, digest in segment.data.items() if not history[segment.number].superseded else ():
            found.setdefault(name, set()).add(digest)
    for name in sorted(name for name, digests in found.items() if len(digests) > 1):
        note(
            f'warning: the data set "{name}" has changed between the trials of this study, so their results cannot be '
            "compared; --fork NEW_NAME starts a new study"
        )
    return {name: digests.pop() for name, digests in found.items() if len(digests) == 1}


def note_on_fork(study: Study, journal: Journal, origin: str) -> str:
    """A note if the trainer's code differs from that of the original study; else ""."""
    record = journal.find(origin)
    before = TrainerCode.recorded(journal, record) if record is not None else None
    changes = TrainerCode.of(study).changes_since(before) if before is not None else []
    if not changes:
        return ""
    return f'note: the trials of "{origin}" that this study learns from were trained with other code ({changes[0]})'


def _superseded(trial: Trial) -> Trial:
    """The trial, marked; it is never trained again."""
    if trial.state.is_active:
        trial = replace(trial, state=State.PAUSED, reason="the code of the trainer has changed", cause=None)
    return replace(trial, superseded=True)
