"""hpsearch: a hyperparameter search that is run like an experiment.

The public interface is the names in `__all__` and the command line. Every other module may change in any version.
A name is imported from its module when it is first used (PEP 562), so that `import hpsearch` takes milliseconds.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpsearch.api import RecordedStudy, RecordedTrial, load, run
    from hpsearch.core.errors import (
        BadInput,
        HpsearchError,
        Infeasible,
        InfrastructureError,
        NotFound,
        NoTrialSucceeded,
        OwnMethodError,
        ResourcesError,
        Sealed,
        Stopped,
        StudyBusy,
        StudyChanged,
        StudyFileError,
        TrainerError,
        TrialStopped,
    )
    from hpsearch.core.history import BestTrial
    from hpsearch.core.replicates import Fold
    from hpsearch.core.trial import Cause, Report, State
    from hpsearch.orchestrator.run_result import RunResult
    from hpsearch.orchestrator.sessions.session import Session
    from hpsearch.progress.in_python import extend
    from hpsearch.study.definition import Study
    from hpsearch.trainer.adapters.lightning import lightning_callback
    from hpsearch.trainer.adapters.transformers import transformers_callback
    from hpsearch.trainer.predictions import Part, Predictions
    from hpsearch.trainer.reporting import report
    from hpsearch.trainer.seal import check_unsealed
    from hpsearch.trainer.training_run import Run
    from hpsearch.workers.pools.ask_and_tell import AskedTrial

__all__ = [
    "AskedTrial",
    "BadInput",
    "BestTrial",
    "Cause",
    "Fold",
    "HpsearchError",
    "Infeasible",
    "InfrastructureError",
    "NoTrialSucceeded",
    "NotFound",
    "OwnMethodError",
    "Part",
    "Predictions",
    "RecordedStudy",
    "RecordedTrial",
    "Report",
    "ResourcesError",
    "Run",
    "RunResult",
    "Sealed",
    "Session",
    "State",
    "Stopped",
    "Study",
    "StudyBusy",
    "StudyChanged",
    "StudyFileError",
    "TrainerError",
    "TrialStopped",
    "__version__",
    "check_unsealed",
    "extend",
    "lightning_callback",
    "load",
    "report",
    "run",
    "transformers_callback",
]
__version__ = "0.1.0"

_MODULES = {
    "api": ["RecordedStudy", "RecordedTrial", "load", "run"],
    "core.errors": [
        "BadInput",
        "HpsearchError",
        "Infeasible",
        "InfrastructureError",
        "NoTrialSucceeded",
        "NotFound",
        "OwnMethodError",
        "ResourcesError",
        "Sealed",
        "Stopped",
        "StudyBusy",
        "StudyChanged",
        "StudyFileError",
        "TrainerError",
        "TrialStopped",
    ],
    "core.history": ["BestTrial"],
    "core.replicates": ["Fold"],
    "core.trial": ["Cause", "Report", "State"],
    "orchestrator.run_result": ["RunResult"],
    "orchestrator.sessions.session": ["Session"],
    "progress.in_python": ["extend"],
    "study.definition": ["Study"],
    "trainer.adapters.lightning": ["lightning_callback"],
    "trainer.adapters.transformers": ["transformers_callback"],
    "trainer.predictions": ["Part", "Predictions"],
    "trainer.reporting": ["report"],
    "trainer.seal": ["check_unsealed"],
    "trainer.training_run": ["Run"],
    "workers.pools.ask_and_tell": ["AskedTrial"],
}
"""The module of each public name. The imports above are the same list, for type checkers and editors."""

_HOMES = {name: module for module, names in _MODULES.items() for name in names}


if not TYPE_CHECKING:  # with __getattr__ a type checker would accept any name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'hpsearch' has no attribute {name!r}", name=name, obj=sys.modules[__name__])
        value = globals()[name] = getattr(import_module(f"hpsearch.{_HOMES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
