"""What is on record of a study: every decision, the trials that failed, the study file, the versions."""

import json
from collections.abc import Iterator, Sequence

from hpsearch.core.decisions import Decision
from hpsearch.core.format import named
from hpsearch.core.trial import Trial
from hpsearch.reports.content import Content
from hpsearch.reports.html import NOTHING, Html, element, folded, joined, paragraph, table, verbatim
from hpsearch.reports.words import command, moment

MOST_DECISIONS = 3000
MOST_REASONS = 20

HEAD, TAIL = 30, 5
"""Lines of a traceback: where it began, and what was raised."""


# Decisions ───────────────────────────────────────────────────────────────────────────────────────


def decisions(content: Content) -> Html:
    """The study's own and the first trials'."""
    if not content.decisions:
        return NOTHING
    shown = content.decisions[:MOST_DECISIONS]
    rows = [[moment(one.at), _whom(one), one.step or "", one.kind, one.reason.partition("\n")[0]] for one in shown]
    log = table(["time (UTC)", "about", "epoch", "decision", "reason"], rows)
    return joined([folded(f"{len(shown):,} decisions, the oldest first", log), _left_out(content, MOST_DECISIONS)])


def _whom(decision: Decision) -> str:
    return "the study" if decision.number is None else f"trial {decision.number}"


def _left_out(content: Content, most: int) -> Html:
    more = len(content.decisions) - most
    if more <= 0:
        return NOTHING
    return paragraph(f"{more:,} later ones are left out here; ", command("export", content.record.name), " has all.")


# Failed trials ───────────────────────────────────────────────────────────────────────────────────


def failures(content: Content) -> Html:
    """Those that failed for the same reason together, with the traceback of the first."""
    alike: dict[str, list[Trial]] = {}
    for trial in content.failed:
        alike.setdefault(trial.reason.partition("\n")[0], []).append(trial)
    shown = [_failure(reason, failed) for reason, failed in list(alike.items())[:MOST_REASONS]]
    more = len(alike) - MOST_REASONS
    asked = command("export", content.record.name)
    rest = paragraph(f"{more:,} other reasons are left out here; ", asked, " has all.") if more > 0 else NOTHING
    return joined([*shown, rest])


def _failure(reason: str, failed: Sequence[Trial]) -> Html:
    said = f"{reason} ({named([trial.number for trial in failed])})"
    first = failed[0]
    return folded(said, verbatim(_shortened(first.error or first.reason)))


def _shortened(traceback: str) -> str:
    lines = traceback.rstrip().splitlines()
    left = len(lines) - HEAD - TAIL
    if left <= 1:
        return "\n".join(lines)
    return "\n".join([*lines[:HEAD], f"… {left} lines left out …", *lines[-TAIL:]])


# The study file ──────────────────────────────────────────────────────────────────────────────────


def study_file(content: Content) -> Html:
    spec = json.dumps(content.record.spec, indent=2, ensure_ascii=False)
    return joined([folded("the file as it was last run, with its defaults", verbatim(spec)), *_versions(content)])


def _versions(content: Content) -> Iterator[Html]:
    """Of every environment that trials were trained in: hardly ever more than one."""
    found = {one.environment.digest: one.environment.document["environment"] for one in content.segments}
    versions = [{"python": one["python"], **one["packages"]} for one in found.values()]
    unique = list({json.dumps(one, sort_keys=True): one for one in versions}.values())
    if unique:
        names = list(dict.fromkeys(name for one in unique for name in one))
        head = ["package", *("version" for _ in unique)]
        yield element("h3", "Versions")
        yield table(head, [[name, *(one.get(name, "") for one in unique)] for name in names])
    if content.data:
        yield element("h3", "Data")
        yield table(["name", "SHA-256"], [[name, digest] for name, every in content.data.items() for digest in every])
