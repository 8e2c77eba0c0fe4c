"""For `hpsearch plan`: the known points, forks, imports and earlier studies that a study starts with."""

from dataclasses import dataclass
from typing import Any

from hpsearch.core.errors import NotFound
from hpsearch.core.format import many
from hpsearch.journal import Journal, recorded_imports
from hpsearch.orchestrator.evidence import earlier_evidence, learned_studies
from hpsearch.records.evidence_record import evidence_of
from hpsearch.study.definition import Study


@dataclass(frozen=True)
class PlannedEvidence:
    """first: the number of known points. sources: as in `evidence_of`. notes: for each source, how many trials are
    used, and why others are not; one or more lines each."""

    first: int = 0
    sources: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        return {"first": self.first, "sources": list(self.sources)}

    @property
    def lines(self) -> list[str]:
        known = [f"known points first: {many(self.first, 'trial')}"] if self.first else []
        return [*known, *self.notes]


def planned_evidence(study: Study) -> PlannedEvidence:
    """NotFound: a study of learn_from is not recorded."""
    first = len(study.search.first or ())
    try:
        with Journal.open(study.journal_url, create=False) as journal:
            record = journal.find(study.study.name)
            if record is not None:
                sources = [dict(one) for one in evidence_of(journal.documents(record.id))]
                texts = [f"earlier results: {many(one['trials'], 'trial')} of {one['source']}" for one in sources]
                return PlannedEvidence(first, tuple(sources), tuple(texts))
            imports = recorded_imports.of_study(journal, study.study.name)
    except NotFound:
        imports = []
    found = earlier_evidence.imported(study, imports)
    learned = learned_studies.read(study)
    notes = [*earlier_evidence.notes(found, study), *(one.note(study.search) for one in learned)]
    sources = [*(one.document(study.search) for one in found), *(one.document() for one in learned)]
    return PlannedEvidence(first, tuple(sources), tuple(notes))
