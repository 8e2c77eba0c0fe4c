"""Files in a study's folder that a program changes: parallel trials would overwrite them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MAX_FILES = 20_000
"""Maximum number of files to check."""

MAX_SHOWN = 5

_LEFT_OUT = {"__pycache__", "node_modules", "venv"}


class ChangedFiles:
    """Files of a folder that are new or changed since this was created. scratch: ignored, with its parent folders.

    mark: an entry of the environment of the program's processes. A file that another process has open is not the
    program's: `hpsearch run study.toml > log.txt`, the log file of a batch system.
    """

    def __init__(self, folder: Path, scratch: Path, mark: bytes):
        self._folder, self._scratch, self._mark = folder, scratch, mark
        self._before = dict(self._stamps())
        self._next = 1

    def note(self, step: int) -> str:
        """A warning; "" if no file has changed. step: of a report: files are checked at the first, second,
        fourth, …; 0: at the end of the program."""
        if step and step < self._next:
            return ""
        self._next = 2 * max(step, 1)
        changed = [path for path, stamp in self._stamps() if self._before.get(path) != stamp]
        open_elsewhere = _open_outside(self._mark) if changed else set()
        changed = [path for path in changed if str((self._folder / path).resolve()) not in open_elsewhere]
        if not changed:
            return ""
        more = f" and {len(changed) - MAX_SHOWN} more" if len(changed) > MAX_SHOWN else ""
        return (
            f"the program writes files in the study's folder: {', '.join(changed[:MAX_SHOWN])}{more}. Trials overwrite "
            'each other\'s files there; [trainer] cwd = "scratch" gives each trial a folder of its own'
        )

    def _stamps(self) -> Iterator[tuple[str, tuple[int, int]]]:
        left = MAX_FILES
        for place, folders, files in os.walk(self._folder):
            folders[:] = [name for name in folders if self._is_searched(Path(place, name))]
            for name in files[:left]:
                path = Path(place, name)
                try:
                    stat = path.stat()
                except OSError:
                    continue
                yield str(path.relative_to(self._folder)), (stat.st_mtime_ns, stat.st_size)
            left -= len(files)
            if left <= 0:
                return

    def _is_searched(self, folder: Path) -> bool:
        is_hidden = folder.name.startswith(".") or folder.name in _LEFT_OUT
        return not is_hidden and not self._scratch.is_relative_to(folder)


def _open_outside(mark: bytes) -> set[str]:
    """The files that processes without this mark in their environment have open. Empty where there is no /proc."""
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to another user
            if mark not in (process / "environ").read_bytes().split(b"\0"):
                found |= {os.path.realpath(one) for one in (process / "fd").iterdir()}
    return found
