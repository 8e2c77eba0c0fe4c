"""The contract of journals, for every database."""

from tests.contracts.journal_helpers import journal, leased
from tests.contracts.journal_leases import LeaseContract
from tests.contracts.journal_reading import ChangesContract, SummaryContract
from tests.contracts.journal_writing import OpeningContract, StudiesContract, WritingContract

__all__ = ["JournalContract", "journal", "leased"]


class JournalContract(
    OpeningContract, StudiesContract, WritingContract, SummaryContract, ChangesContract, LeaseContract
):
    """A subclass defines the fixture `url`, the URL of an empty database; its module imports `journal` and `leased`."""
