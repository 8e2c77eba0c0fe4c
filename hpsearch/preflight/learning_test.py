"""`hpsearch preflight`: whether a study's trainer can learn, and what it will cost; `hpsearch run` asks the same."""

import uuid
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any

from hpsearch.cli.answer import Answer
from hpsearch.core import seeds
from hpsearch.core.errors import BadInput
from hpsearch.core.format import columns, finite
from hpsearch.core.logs import hold
from hpsearch.core.messages import Lost
from hpsearch.orchestrator import build
from hpsearch.preflight.judge import checklist as recipe
from hpsearch.preflight.judge.check import Check, failed
from hpsearch.preflight.measure.learning import Preflight
from hpsearch.preflight.measurements import Measured
from hpsearch.preflight.range_test import run_range_test
from hpsearch.records.preflight_record import cost_text, folder, keep
from hpsearch.study.definition import Study, load
from hpsearch.workers.pools.base import Measurer


def preflight(args: Namespace) -> Iterator[Answer]:
    """All checks, and the learning-rate range test where the study asks for one. Nothing is recorded in the journal;
    files are left for `plan` and for people."""
    study = load(args.file, args.overrides)
    hold()
    pool, _ = build.pool(study, uuid.uuid4().hex)
    with closing(pool):
        checks, document = run_preflight(study, pool)
        stops = recipe.stops(checks)
        found = run_range_test(study, pool) if study.range_test is not None and not stops else None
    documents = {"preflight": document} | ({"lr_range": found} if found else {})
    keep(folder(study), documents)
    said = [text(checks), cost_text(document["cost"]), found["says"] if found else ""]
    data = {"study": study.study.name, "preflight": document, "lr_range": found}
    yield Answer(data, lambda: "\n".join(filter(None, said)), BadInput.exit_code if stops else 0)


def run_preflight(study: Study, measurer: Measurer) -> tuple[tuple[Check, ...], dict[str, Any]]:
    """The checks, and their document."""
    section = study.preflight
    skip = section.skip if section is not None else ()
    order = Preflight(
        build.example_params(study),
        seeds.trial_seed(study.study.seed, 0),
        study.trainer.epochs,
        section.limit if section is not None else 600.0,
        skip,
    )
    found = measurer.measure(order)
    if isinstance(found, Lost):
        checks: tuple[Check, ...] = (failed("runs", f"no answer came back: {found.reason}", details=found.traceback),)
        return checks, _document(checks, Measured(), order, len(study.replicates))
    checks = recipe.judge(found, study.objective, skip)
    return checks, _document(checks, found, order, len(study.replicates))


def _document(checks: Sequence[Check], measured: Measured, order: Preflight, replicates: int) -> dict[str, Any]:
    cost = recipe.cost(measured, replicates)
    return {
        "passed": not recipe.stops(checks),
        "params": dict(order.params),
        "checks": [finite(asdict(check)) for check in checks],
        "cost": {**asdict(cost), "per_gpu": cost.per_gpu},
        "seconds": measured.seconds,
    }


def text(checks: Sequence[Check]) -> str:
    """A line for every check."""
    words = {"passed": "passed", "skipped": "skipped"}
    rows = [
        [words.get(check.outcome, "FAILED" if check.stops else "warning"), check.name, check.says] for check in checks
    ]
    details = [f"\n{check.details}" for check in checks if check.details]
    return "\n".join([columns(rows), *details])
