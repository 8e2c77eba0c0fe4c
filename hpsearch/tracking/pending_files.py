"""The artifacts of MLflow that are not sent yet. They are sent last and on their own: the store of artifacts is another
one than that of the runs (a folder, s3), and may refuse this client."""

from collections.abc import Callable, Mapping

from hpsearch.core.format import many
from hpsearch.tracking.location import without_credentials

MAX_FAILURES = 3
"""In a row, after which the others are not tried: a call may block for a minute."""


class PendingFiles:
    """sent: how many were sent. problem: why some were not, for the user; "" for no problem."""

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
        """The next `send` tries again what has failed."""
        self._new = {**self._failed, **self._new}
        self._failed.clear()

    def send(self, attach: Callable[[str, str, str], bool], throttle: Callable[[], None]) -> None:
        """Send those that were not tried yet. A failure stops nothing else.

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
