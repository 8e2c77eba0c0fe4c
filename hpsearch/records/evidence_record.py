"""What the journal says about the evidence of a study: results that its sampler learns from and that are no trials."""

from collections.abc import Mapping, Sequence
from typing import Any

EVIDENCE = "evidence"
"""The kind of the journal's document: "sources", one for each study or import, with how many of its trials are usable,
and how many are not for which reason; "learns": whether the search method uses them."""


def evidence_of(documents: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The sources. documents: the journal's, by kind."""
    found: Sequence[Mapping[str, Any]] = documents.get(EVIDENCE, {}).get("sources", ())
    return found
