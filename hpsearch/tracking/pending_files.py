"""Artifacts that are not in MLflow yet. They are sent last and separately: artifacts have a store of their own (a
folder, S3), which may refuse this client."""

from collections.abc import Callable, Mapping

from hpsearch.core.format import many
from hpsearch.tracking.location import without_credentials

MAX_FAILURES = 3
"""Failures in a row after which the other files are not tried: a call may block for a minute."""


class PendingFiles:
    """sent: the number of files that were sent. problem: why some were not sent, for the user; "" for no problem."""

    def __init__(self) -> None:
        self._new: dict[tuple[str, str], str] = {}
        self._failed: dict[tuple[str, str], str] = {}
        self._known: dict[tuple[str, str], int] = {}
        self.sent = 0
        self.problem = self._why = ""

    def __len__(self) -> int:
        return len(self._new) + len(self._failed)

    def add(self, uid: str, texts: Mapping[str, str]) -> None:
        """uid: of the run. texts: the content by the file's name."""
        for name, text in texts.items():
            if self._known.get((uid, name)) != (digest := hash(text)):
                self._known[uid, name] = digest
                self._failed.pop((uid, name), None)
                self._new[uid, name] = text

    def retry(self) -> None:
        """Let the next `send` try the failed files again."""
        self._new = {**self._failed, **self._new}
        self._failed.clear()

    def send(self, attach: Callable[[str, str, str], bool], throttle: Callable[[], None]) -> None:
        """Send the files that were not tried yet. It does not raise.

        attach: sends a file (uid, name, text); False: MLflow has it already.
        """
        failures = 0
        while self._new and failures < MAX_FAILURES:
            (uid, name), text = next(iter(self._new.items()))
            try:
                self.sent += attach(uid, name, text)
                failures = 0
            except Exception as error:  # of any kind: a missing package, a folder that is not writable
                failures += 1
                self._failed[uid, name] = text
                self._why = f"{name}: {' '.join(without_credentials(str(error) or type(error).__name__).split())[:300]}"
            del self._new[uid, name]
            throttle()
        if self._failed:
            self._failed |= self._new
            self._new.clear()
            self.problem = f"{many(len(self._failed), 'file')} not sent to the artifact store of MLflow ({self._why})"
        else:
            self.problem = ""
