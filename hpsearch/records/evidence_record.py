"""The recorded evidence of a study: results that its sampler learns from and that are not trials of the study."""

from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.core.related import RelatedStudy

EVIDENCE = "evidence"
"""The kind of the journal's document: "sources", one for each study or import, with the number of usable trials, and of
unusable ones by reason; "learns": whether the search method uses them."""

LEARNED = "learn_from"
"""The kind of the journal's document of [search] learn_from: "studies", each as `RelatedStudy.document`, with the parts
that cannot be used."""


def evidence_of(documents: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The sources, including the studies of learn_from. documents: the journal's, by kind."""
    found: Sequence[Mapping[str, Any]] = documents.get(EVIDENCE, {}).get("sources", ())
    return [*found, *map(_source, documents.get(LEARNED, {}).get("studies", ()))]


def _source(learned: Mapping[str, Any]) -> dict[str, Any]:
    about = {key: learned[key] for key in ("left_out", "ignored", "missing", "why_not", "parameters")}
    trials, source = len(learned["trials"]), f'study "{learned["study"]}"'
    return {"source": source, "kind": LEARNED, "learns": True, "trials": trials, **about}


def related_of(documents: Mapping[str, Any]) -> list[RelatedStudy]:
    """The studies of learn_from that are used."""
    found = (RelatedStudy.of_document(one) for one in documents.get(LEARNED, {}).get("studies", ()))
    return [one for one in found if one.trials]
