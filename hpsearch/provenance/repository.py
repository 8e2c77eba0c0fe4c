"""The git state of a folder: the commit, and the differences from it.

No error is raised: without git, without a repository, or after a timeout, the problem is recorded instead.
"""

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

from hpsearch.core.redact import redact, without_keys
from hpsearch.provenance.sources import file_hash

GIT_TIMEOUT = 3.0
"""Seconds for each call of git. They may be too few for a very large repository."""

MAX_DIFF_LENGTH = 100_000
"""Maximum characters of a recorded diff; its number of lines and its SHA-256 are those of the whole diff."""

MAX_FILES = 200
"""Maximum number of untracked files that are hashed. All are counted."""

MAX_BYTES = 1 << 20
"""Maximum bytes of an untracked file that is hashed. For a larger file the size is recorded."""

_NOT_CODE = (":/", ":(exclude,glob)**/.env*", ":(exclude,glob)**/.hpsearch/**")
"""Path specs: the whole repository, without files that may have passwords, and without the files of hpsearch."""


_OF_ANOTHER_REPOSITORY = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"}
"""Variables that git sets for its hooks."""


class _GitFailed(Exception):
    """A call of git failed; the message has the reason."""


def state(folder: Path, keep_diff: bool = True) -> dict[str, Any]:
    """The repository of a folder, as plain values. keep_diff: False leaves out the diff's text.

    name: of its folder. commit: the hash, None before the first commit. diff: of tracked files against the commit,
    without passwords and keys; diff_lines, diff_sha256: of the whole diff ("" for no difference). untracked: name ->
    SHA-256 (or size); untracked_files: their number. If git fails, only name and problem: why nothing is known.
    """
    try:
        root = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").rstrip(b"\n")))
        commit = _commit(root)
        return {"name": root.name, "commit": commit, **_diff(root, commit, keep_diff), **_untracked(root)}
    except _GitFailed as problem:
        return {"name": folder.name, "problem": str(problem)}


def _commit(root: Path) -> str | None:
    try:
        return _git(root, "rev-parse", "--verify", "HEAD").decode().strip()
    except _GitFailed:
        return None


def _diff(root: Path, commit: str | None, keep_diff: bool) -> dict[str, Any]:
    """Empty before the first commit."""
    if commit is None:
        return {"diff": "", "diff_lines": 0, "diff_sha256": ""}
    plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--full-index")
    whole = _git(root, "diff", *plain, "HEAD", "--", *_NOT_CODE)
    text = without_keys(redact(whole.decode(errors="backslashreplace")))
    return {
        "diff": text[:MAX_DIFF_LENGTH] if keep_diff else "",
        "diff_lines": whole.count(b"\n"),
        "diff_sha256": hashlib.sha256(whole).hexdigest() if whole else "",
    }


def _untracked(root: Path) -> dict[str, Any]:
    listed = _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", *_NOT_CODE)
    names = sorted(filter(None, listed.decode(errors="backslashreplace").split("\0")))
    return {
        "untracked": {name: file_hash(root / name, MAX_BYTES) for name in names[:MAX_FILES]},
        "untracked_files": len(names),
    }


def _git(folder: Path, *arguments: str) -> bytes:
    """The output of git in this folder. It takes no lock, so that a commit at the same time succeeds. _GitFailed."""
    ours = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    environment = {**ours, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=GIT_TIMEOUT,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise _GitFailed("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise _GitFailed(f"git did not answer within {GIT_TIMEOUT:g} s") from None
    except OSError as problem:
        raise _GitFailed(f"git cannot be run: {problem}") from None
    if done.returncode != 0:
        here = folder.absolute()
        if here.is_dir() and not any((place / ".git").exists() for place in (here, *here.parents)):
            raise _GitFailed("not in a git repository")
        message = done.stderr.decode(errors="backslashreplace").strip().partition("\n")[0]
        raise _GitFailed(message.removeprefix("fatal: ") or f"git ended with exit code {done.returncode}")
    return done.stdout
