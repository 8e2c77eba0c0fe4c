"""Artifacts are sent last, each on its own."""

from collections.abc import Callable

from hpsearch.tracking.pending_files import MAX_FAILURES, PendingFiles


def refusing(*refused: str, sent: list[str]) -> Callable[[str, str, str], bool]:
    def attach(uid: str, name: str, text: str) -> bool:
        if name in refused:
            raise ModuleNotFoundError("No module named 'boto3'")
        sent.append(f"{uid} {name} {text}")
        return True

    return attach


def waited() -> None: ...


def test_one_that_cannot_be_sent_stops_no_other() -> None:
    files, sent = PendingFiles(), list[str]()
    files.add("run", {"a.txt": "1", "b.txt": "2", "c.txt": "3"})
    files.send(refusing("b.txt", sent=sent), waited)
    assert sent == ["run a.txt 1", "run c.txt 3"]
    assert (files.sent, len(files)) == (2, 1)
    assert "boto3" in files.problem


def test_one_that_failed_is_not_tried_again_until_it_has_another_content() -> None:
    files, sent = PendingFiles(), list[str]()
    for content in ("1", "1", "2"):
        files.add("run", {"a.txt": content})
        files.send(refusing(*(["a.txt"] if content == "1" else []), sent=sent), waited)
    assert sent == ["run a.txt 2"]
    assert (files.sent, len(files), files.problem) == (1, 0, "")


def test_one_that_failed_is_tried_again_where_that_is_asked() -> None:
    files, sent = PendingFiles(), list[str]()
    files.add("run", {"a.txt": "1"})
    files.send(refusing("a.txt", sent=sent), waited)
    files.retry()
    files.send(refusing(sent=sent), waited)
    assert (sent, files.sent, len(files), files.problem) == (["run a.txt 1"], 1, 0, "")


def test_a_store_that_refuses_all_is_not_asked_for_each() -> None:
    tried = []

    def attach(uid: str, name: str, text: str) -> bool:
        tried.append(name)
        raise PermissionError

    files = PendingFiles()
    files.add("run", {f"{number}.txt": "" for number in range(20)})
    files.send(attach, waited)
    assert (len(tried), len(files), files.sent) == (MAX_FAILURES, 20, 0)


def test_the_reason_has_no_password() -> None:
    def attach(uid: str, name: str, text: str) -> bool:
        raise OSError("PUT https://me:secret@host/a refused")

    files = PendingFiles()
    files.add("run", {"a.txt": ""})
    files.send(attach, waited)
    assert "secret" not in files.problem
