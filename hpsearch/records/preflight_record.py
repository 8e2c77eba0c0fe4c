"""The results of preflight and range test, as text and as files."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpsearch.core.folders import make_private
from hpsearch.core.format import json_text, size
from hpsearch.core.trial import EPOCH
from hpsearch.plots import figures
from hpsearch.study.definition import Study
from hpsearch.study.schedule import STEP

KINDS = ("preflight", "lr_range")


def summary(document: Mapping[str, Any]) -> str:
    """`9 checks passed, 1 warning (loss at start), 2 skipped; 0.8 s an epoch, 512 MiB`"""
    checks = document["checks"]
    by = {outcome: [one["name"] for one in checks if one["outcome"] == outcome] for outcome in ("passed", "skipped")}
    failed = [one["name"] for one in checks if one["outcome"] == "failed" and one["severity"] == "error"]
    warned = [one["name"] for one in checks if one["outcome"] == "failed" and one["severity"] == "warning"]
    parts = [f"{len(by['passed'])} checks passed"]
    for names, word in ((failed, "failed"), (warned, "warned"), (by["skipped"], "skipped")):
        if names:
            parts.append(f"{len(names)} {word} ({', '.join(names)})")
    return "; ".join([", ".join(parts), *filter(None, [cost_text(document["cost"])])])


def cost_text(cost: Mapping[str, Any]) -> str:
    parts = []
    if cost["seconds"] is not None:
        unit = cost.get("unit", EPOCH)  # missing in documents of earlier versions
        parts.append(f"{cost['seconds']:.3g} s {'a' if unit == STEP else 'an'} {unit}")
    if cost["host"]:
        parts.append(f"{cost['host'] / 2**20:.0f} MiB of memory")
    if cost["gpu"]:
        parts.append(
            f"{cost['gpu'] / 2**20:.0f} MiB of GPU memory, so that {cost['per_gpu']} fit one GPU "
            f"(resources.per_trial.gpus = {share(cost['per_gpu']):g})"
        )
    if cost.get("checkpoint"):  # missing in documents of earlier versions
        parts.append(f"{size(cost['checkpoint'])} a checkpoint")
    return ", ".join(parts)


def share(count: int) -> float:
    """The fraction of a GPU for each of `count` trials on it: two digits, rounded down; Ray's smallest is 0.0001."""
    steps = 10.0 ** min(len(str(count)) + 1, 4)
    return max(math.floor(steps / count) / steps, 1e-4)


# Files ───────────────────────────────────────────────────────────────────────────────────────────


def folder(study: Study) -> Path:
    """The folder for the results of `hpsearch preflight`. Its name has a hash of the study file's content, so that a
    changed file does not use old results."""
    content = json.dumps([study.identity(), study.spec()["resources"]["per_trial"]], sort_keys=True)
    return study.home / "preflight" / f"{study.study.name[:50]}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def keep(where: Path, documents: Mapping[str, Any]) -> None:
    """Write documents as JSON, and their plots."""
    for kind, document in documents.items():
        make_private(where)
        (where / f"{kind}.json").write_text(json_text(document, indent=2), encoding="utf-8")
    for name, page in figures.pages(documents).items():
        (where / name).write_text(page, encoding="utf-8")


def kept(where: Path) -> dict[str, Any]:
    """The saved documents, by kind."""
    files = {kind: where / f"{kind}.json" for kind in KINDS}
    return {kind: json.loads(file.read_text(encoding="utf-8")) for kind, file in files.items() if file.exists()}
