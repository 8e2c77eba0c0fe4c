from pathlib import Path

import pytest

from tests.contracts.journal_contract import JournalContract, journal, leased

__all__ = ["journal", "leased"]


class TestSQLite(JournalContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/new folder/journal %20#.db"


class TestPostgreSQL(JournalContract):
    @pytest.fixture
    def url(self, postgres_url: str) -> str:
        return postgres_url
