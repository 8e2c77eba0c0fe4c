"""Whether a file or folder is the caller's, or may have been put there by another user of the machine."""

import os
import stat
from pathlib import Path


def is_callers(path: Path) -> bool:
    """Whether a file or folder belongs to this user, and not everybody may write to it."""
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & stat.S_IWOTH


def is_planted(path: Path) -> bool:
    """Whether another user may have put the file, folder or link there for this user to find: it belongs neither to
    this user nor to root, and everybody may write to it, or to its folder, which has another owner."""
    try:
        found, above = path.lstat(), path.parent.stat()
    except OSError:
        return False
    if found.st_uid in (0, os.geteuid()):
        return False
    is_open = bool(found.st_mode & stat.S_IWOTH) and not stat.S_ISLNK(found.st_mode)
    return is_open or (bool(above.st_mode & stat.S_IWOTH) and above.st_uid != found.st_uid)
