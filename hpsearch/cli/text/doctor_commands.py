"""The command that tries an advice of the doctor."""

import shlex

from hpsearch.core.format import number
from hpsearch.core.parameter_roles import is_penalty, learning_rate_of
from hpsearch.core.trial import Cause, State
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import Remark, StudyDiagnosis, direction_of
from hpsearch.study.definition import Study
from hpsearch.study.space import Float

FACTOR = 10.0
"""The bounds of a range are multiplied or divided by it."""


def commands(diagnosis: StudyDiagnosis, name: str, extend: str, file: str | None, study: Study | None) -> list[str]:
    """A command for each advice, or "". extend: the command that extends this study, without options."""
    return [_command(one, diagnosis, name, extend, file or "", study) for one in diagnosis.advice]


def _command(remark: Remark, diagnosis: StudyDiagnosis, name: str, extend: str, file: str, study: Study | None) -> str:
    """ "" if the study file is not known, or has no parameter for the advice.

    file: path of the study file. study: read from it.
    """
    if remark.against:
        return ""
    if remark.best and Label.STILL_IMPROVING in remark.labels:
        return _longer(extend, diagnosis)
    if study is None:
        return ""
    changes: dict[str, float] = {}
    ranges = {one.name: one for one in study.space.parameters if isinstance(one, Float) and not one.auto}
    name_of_rate = learning_rate_of(ranges)
    rate = ranges[name_of_rate] if name_of_rate is not None else None
    if rate is not None and rate.log and (direction := direction_of(remark)):
        factor = FACTOR**direction
        changes = {f"space.{rate.name}.low": rate.low * factor, f"space.{rate.name}.high": rate.high * factor}
    elif remark.best and Label.OVERFITTING in remark.labels:
        found = next((one for one in ranges.values() if is_penalty(one.name) and one.high > 0), None)
        changes = {f"space.{found.name}.high": found.high * FACTOR} if found is not None else {}
    if not changes:
        return ""
    words = [word for key, value in changes.items() for word in ("--set", f"{key}={number(value)}")]
    return shlex.join(["hpsearch", "run", file, "--fork", f"{name}-2", *words])


def _longer(extend: str, diagnosis: StudyDiagnosis) -> str:
    """Train the best trials longer, if they have trained all their epochs."""
    finished = [trial for trial in diagnosis.sorted() if trial.cause is Cause.DONE and trial.state is State.COMPLETE]
    best = [trial for trial in finished if trial.number in diagnosis.best]
    if not best:
        return ""
    epochs = 2 * max(trial.epoch for trial in finished)
    return f"{extend} --epochs {epochs} --best {len(best)}"
