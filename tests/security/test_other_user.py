"""What another user of the machine tries. SECURITY.md has the table of these attacks."""

import logging
import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.folders import make_private, study_home
from hpsearch.core.logs import buffer_library_logs, log_libraries_to, logging_restored
from hpsearch.core.preferences import Preferences, preferences
from hpsearch.journal import Journal, StudyRecord
from hpsearch.records.callers_files import CallersStudy, trainable
from hpsearch.records.study_place import TRAINER_CODE
from hpsearch.study.definition import Study
from hpsearch.tracking.dashboard import dashboard
from hpsearch.tracking.dashboard_app import TokenRequired, others_link
from tests.contracts.journal_helpers import other_owner
from tests.security.conftest import OtherUser

pytestmark = pytest.mark.xdist_group("other-user")

REFUSED = "PermissionError"


@pytest.fixture
def home(open_folder: Path) -> Path:
    """A home with a journal, in a folder that everybody may enter."""
    home = open_folder / ".hpsearch"
    with Journal.open(f"sqlite:///{home}/journal.db"):
        return home


class TestTheHome:
    def test_cannot_be_listed_or_read(self, other_user: OtherUser, home: Path) -> None:
        assert other_user.does(lambda: os.listdir(home)) == REFUSED  # noqa: PTH208 (what an attacker writes)
        assert other_user.does((home / "journal.db").read_bytes) == REFUSED

    def test_the_journal_cannot_be_locked(self, other_user: OtherUser, home: Path) -> None:
        """SQLite's writer lock needs read permission alone. Here the home itself has been opened by its owner."""
        home.chmod(0o755)

        def lock() -> None:
            sqlite3.connect(f"file:{home}/journal.db?mode=ro", uri=True).execute("BEGIN IMMEDIATE")

        assert other_user.does(lock) == "OperationalError"
        with closing(sqlite3.connect(home / "journal.db", timeout=0)) as own:
            own.execute("BEGIN IMMEDIATE")

    def test_its_folders_and_logs_are_closed_too(self, other_user: OtherUser, open_folder: Path) -> None:
        make_private(open_folder / "home" / "studies" / "a-1")
        (open_folder / "own").mkdir(mode=0o755)  # a home that its owner has created
        for folder in ("home", "own"):
            with logging_restored():
                buffer_library_logs()
                log_libraries_to(open_folder / folder / "hpsearch.log")
                logging.getLogger("a.library").warning("something")
        assert other_user.does((open_folder / "own" / "hpsearch.log").read_bytes) == REFUSED
        for place in (open_folder / "home", open_folder / "home" / "studies", open_folder / "home" / "studies" / "a-1"):
            assert other_user.does(lambda place=place: os.listdir(place)) == REFUSED  # noqa: PTH208


class TestWhatAnotherUserHasPutThere:
    """In a folder that everybody may write to, such as /tmp."""

    @pytest.fixture
    def shared(self, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.delenv("HPSEARCH_HOME", raising=False)
        open_folder.chmod(0o1777)
        return open_folder

    @pytest.mark.parametrize("kind", ["folder", "link"])
    def test_is_not_the_home(self, other_user: OtherUser, shared: Path, kind: str) -> None:
        home = shared / ".hpsearch"
        other_user.does(home.mkdir if kind == "folder" else lambda: home.symlink_to(other_user.folder))
        with pytest.raises(BadInput, match="belongs to another user"):
            study_home(shared)
        assert study_home(shared, {"HPSEARCH_UMASK": "0007"}) == home

    def test_gives_no_defaults(self, other_user: OtherUser, shared: Path) -> None:
        """Such as the address of an MLflow server, which would get this user's MLflow token."""
        (shared / "mine").mkdir()
        theirs = shared / "pyproject.toml"
        other_user.does(lambda: theirs.write_text('[tool.hpsearch]\ntracking = "http://theirs:5000"\n'))
        assert preferences(shared / "mine", {"XDG_CONFIG_HOME": str(shared)}) == Preferences()
        os.chown(theirs, os.geteuid(), os.getegid())
        assert preferences(shared / "mine", {"XDG_CONFIG_HOME": str(shared)}).tracking.file == theirs


class TestAJournalThatOthersWriteTo:
    """The owner names a study that another user has recorded."""

    @pytest.fixture
    def study(self, open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Journal, StudyRecord]]:
        monkeypatch.chdir(open_folder)
        monkeypatch.setenv("HPSEARCH_HOME", str(open_folder / "home"))
        parts = {
            "study": {"name": "theirs", "metric": "loss", "goal": "minimize"},
            "trainer": {"use": "of_other_user:train", "epochs": 1},
            "space": {"x": [1, 2]},
            "search": {"method": "grid"},
        }
        study = Study.from_dict(parts, folder=open_folder)
        with Journal.open(study.journal_url) as journal:
            record = journal.create("theirs", study.spec(), study.identity(), at=0)
            yield journal, record

    def trained_in(self, folder: Path, study: tuple[Journal, StudyRecord], monkeypatch: pytest.MonkeyPatch) -> Study:
        """What `evaluate theirs`, `extend theirs` and `reproduce theirs 0` would train: with this folder on record."""
        monkeypatch.setattr(CallersStudy, "folder", lambda *_: folder)
        return trainable(*study, "theirs", None)

    def test_code_in_the_other_users_folder_is_not_imported(
        self, other_user: OtherUser, study: tuple[Journal, StudyRecord], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = other_user.folder / "of_other_user.py"
        other_user.does(lambda: code.write_text("def train(params): ..."))
        with pytest.raises(BadInput):
            self.trained_in(other_user.folder, study, monkeypatch)

    def test_nor_a_file_of_the_other_user_in_ones_own_folder(
        self, other_user: OtherUser, study: tuple[Journal, StudyRecord], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Everybody could write there for a while."""
        open_folder = Path.cwd()
        open_folder.chmod(0o777)
        code = open_folder / "of_other_user.py"
        other_user.does(lambda: code.write_text("def train(params): ..."))
        open_folder.chmod(0o755)
        with pytest.raises(BadInput):
            self.trained_in(open_folder, study, monkeypatch)
        os.chown(code, os.geteuid(), os.getegid())
        assert self.trained_in(open_folder, study, monkeypatch).trainer.use == "of_other_user:train"

    def test_a_study_file_of_the_other_user_is_not_the_owners(
        self, other_user: OtherUser, study: tuple[Journal, StudyRecord], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It would confirm the address in the record, and send the owner's variables there."""
        monkeypatch.setenv("SECRET", "s3cret")
        journal, record = study
        address = "http://127.0.0.1:9/${env:SECRET}"
        theirs = other_user.folder / "study.toml"
        text = (
            '[study]\nname = "theirs"\nmetric = "loss"\ngoal = "minimize"\n'
            '[trainer]\nuse = "of_other_user:train"\nepochs = 1\n[space]\nx = [1, 2]\n[search]\nmethod = "grid"\n'
            f'[tracking]\nmlflow = "{address}"\n'
        )
        other_user.does(lambda: theirs.write_text(text))
        assert Study.load(theirs).tracking.mlflow == address
        lease = journal.acquire(record.id, other_owner())
        journal.put_document(lease, TRAINER_CODE, {"file": str(theirs), "sources": {}, "versions": {}}, at=0)
        changed = replace(record, spec={**record.spec, "tracking": {"mlflow": address}})
        own = CallersStudy.of(journal, changed)
        assert own.file is None
        with pytest.raises(BadInput):
            own.tracking(Path.cwd() / "home")


class TestTheDashboard:
    def test_needs_the_token(self, other_user: OtherUser) -> None:
        with served() as port:

            def asked() -> bytes:
                with socket.socket() as plain:  # urllib would import modules that the other user cannot read
                    plain.connect(("127.0.0.1", port))
                    plain.sendall(b"GET /get-artifact?path=x HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
                    return plain.recv(100).split(b"\r\n")[0]

            assert other_user.does(asked).split()[1] == b"403"

    def test_does_not_take_the_port_of_another_user_for_its_own(self, other_user: OtherUser) -> None:
        """The other user listens: `ui --port` fails at once."""
        with socket.socket() as theirs:
            other_user.does(lambda: theirs.bind(("127.0.0.1", 0)))  # the socket is shared with this process
            theirs.listen()
            with pytest.raises(BadInput):
                dashboard("sqlite:////nowhere/mlflow.db", port=theirs.getsockname()[1])

    def test_does_not_follow_the_other_users_link_to_artifacts(self, other_user: OtherUser, open_folder: Path) -> None:
        link = other_user.folder / "artifacts"
        other_user.does(lambda: link.symlink_to(open_folder))
        assert others_link(link / "run" / "artifacts") == link
        assert others_link(open_folder / "run" / "artifacts") is None


@contextmanager
def served() -> Iterator[int]:
    """The port of an application behind the token, which all users of the machine can reach."""
    import uvicorn

    async def secrets(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"everything"})

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        settings = uvicorn.Config(TokenRequired(secrets, "token"), log_level="error", lifespan="off", ws="none")  # type: ignore[arg-type]
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
