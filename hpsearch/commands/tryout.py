"""Between a pool and the first trial: whether the trainer can learn, and at which learning rates.

Workers measure (hpsearch.probes), recipe judges, the journal keeps what came of it: a study that goes on has the same
window, and is not tried again.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hpsearch import pictures
from hpsearch.commands.lr_range import run_range_test
from hpsearch.commands.measured import summary
from hpsearch.commands.preflight import run_preflight, text
from hpsearch.errors import BadInput
from hpsearch.pools.base import Prober
from hpsearch.recipe import preflight
from hpsearch.recipe.verdicts import Check
from hpsearch.space import Float
from hpsearch.study import Study
from hpsearch.trial import Decision

Say = Callable[[str], None]


def keep_files(folder: Path, documents: Mapping[str, Any]) -> None:
    """Numbers and pictures of what was measured, as files beside the study's checkpoints."""
    for kind, document in documents.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{kind}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")
    if "lr_range" in documents:
        (folder / "lr_range.html").write_text(pictures.lr_range(documents["lr_range"]), encoding="utf-8")


class Refused(BadInput):
    """A preflight that failed: the study does not start."""


@dataclass(frozen=True)
class Tried:
    """documents: what was measured, by kind, as the journal keeps it. decisions: those that are to be recorded yet."""

    documents: Mapping[str, Any] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()

    def searched(self, study: Study) -> Study:
        """The study over the window that the range test found, where its range is `auto`."""
        found = self.documents.get("lr_range")
        if not (found and found["auto"] and found["window"]):
            return study
        own = study.space[found["parameter"]]
        assert isinstance(own, Float)
        window = replace(own, low=found["window"]["low"], high=found["window"]["high"])
        return study.searching(study.space.narrowed({own.name: window}))


def try_out(study: Study, prober: Prober, before: Tried, say: Say, *, skip_preflight: bool = False) -> Tried:
    """Measure what the study asks for and `before` does not hold.

    Refused: the preflight failed. BadInput: a range is `auto`, and the range test finds none.
    """
    tried = before
    if study.preflight is not None and not skip_preflight and "preflight" not in before.documents:
        say("preflight: trying whether the trainer can learn")
        checks, document = run_preflight(study, prober)
        for check in checks:
            if check.outcome == "failed" and not check.stops:
                say(f"preflight: {check.name}: {check.says}")
        if preflight.stops(checks):
            raise Refused(_refusal(checks))
        say(f"preflight: {summary(document)}")
        tried = _with(tried, "preflight", document, summary(document))
    if study.range_test is not None and "lr_range" not in before.documents:
        say(f"learning-rate range test of {study.range_test.parameter}")
        document = run_range_test(study, prober)
        say(document["says"])
        tried = _with(tried, "lr_range", document, document["says"])
    return tried


def _with(tried: Tried, kind: str, document: Mapping[str, Any], reason: str) -> Tried:
    decision = Decision(kind.replace("_", " "), reason, at=int(time.time() * 1000))
    return Tried({**tried.documents, kind: document}, (*tried.decisions, decision))


def _refusal(checks: Sequence[Check]) -> str:
    return (
        f"preflight: the study does not start\n{text([one for one in checks if one.outcome == 'failed'])}\n"
        "put that right; or leave single checks out with preflight.skip, or all of them with --skip-preflight"
    )
