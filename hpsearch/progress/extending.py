"""`hpsearch.extend`: trains finished trials longer, for Python and notebooks."""

import os
from pathlib import Path

from hpsearch.orchestrator.changes.extend import extend as extend_recorded
from hpsearch.orchestrator.changes.extension import ExtendRequest
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.progress.in_python import running
from hpsearch.study.definition import Study


def extend(
    study: str | Path | Study,
    epochs: int,
    *,
    best: int | None = None,
    from_scratch: bool = False,
    journal: str | None = None,
    progress: bool = True,
) -> RunResult:
    """Train the finished trials of a recorded study longer, from their checkpoints, as `hpsearch extend` does.

    study: its name, its file, or the Study; a trainer that is given as a Python object needs the Study.
    epochs: total epochs of a trial, including those that it has trained.
    best: the number of best trials to train longer; None: all finished trials.
    from_scratch: train trials without a checkpoint again from epoch 1; otherwise such a trial raises StudyChanged.
    journal: as for `load`, for a name or a file. progress: as for `run`.

    Raises BadInput for fewer epochs than recorded, NotFound for a study that is not recorded, and the errors of `run`.
    """
    asked = study if isinstance(study, Study) else os.fspath(study)
    with running(progress) as observer:
        return extend_recorded(asked, journal, epochs, ExtendRequest(best, from_scratch), observer)
