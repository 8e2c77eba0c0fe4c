"""What was measured before a study's first trial, in words."""

import math
from collections.abc import Mapping
from typing import Any


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
        parts.append(f"{cost['seconds']:.3g} s an epoch")
    if cost["host"]:
        parts.append(f"{cost['host'] / 2**20:.0f} MiB of memory")
    if cost["gpu"]:
        share = math.floor(100 / cost["per_gpu"]) / 100
        parts.append(
            f"{cost['gpu'] / 2**20:.0f} MiB of GPU memory, so that {cost['per_gpu']} fit one GPU "
            f"(resources.per_trial.gpus = {share:g})"
        )
    return ", ".join(parts)
