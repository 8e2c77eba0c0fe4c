"""The git state of the folder of the code: the commit, and how the files differ from it.

Nothing here fails a run: where there is no git, no repository, or no answer in time, that is what is recorded.
"""

import hashlib
import math
import os
import subprocess
from pathlib import Path
from typing import Any

from hpsearch.core.redact import redact

PATIENCE = 3.0
"""Seconds that git has for an answer: in a repository of many files that is not everything."""

MOST_DIFF = 100_000
"""Characters of a diff that are kept; its length and its SHA-256 are those of the whole."""

MOST_FILES = 200
"""The most untracked files that are hashed; all are counted."""

MOST_BYTES = 1 << 20
"""Of an untracked file that is hashed: a larger one is named with its size."""

_NOT_CODE = (":/", ":(exclude,glob)**/.env*", ":(exclude,glob)**/.hpsearch/**")
"""The whole repository, without where passwords are kept, and without what hpsearch itself writes."""


class _Silent(Exception):
    """git gave no answer; the message has the reason."""


def state(folder: Path) -> dict[str, Any]:
    """The repository that a folder lies in, as plain values.

    name: of its folder. commit: the hash, None before the first. diff: against it, of what git tracks, passwords
    replaced; with its whole size in lines and its whole SHA-256 ("" where nothing differs). untracked: name -> SHA-256
    (or size), and how many there are. Or else problem: why none of this is known.
    """
    try:
        root = Path(os.fsdecode(_git(folder, "rev-parse", "--show-toplevel").rstrip(b"\n")))
        commit = _commit(root)
        return {"name": root.name, "commit": commit, **_diff(root, commit), **_untracked(root)}
    except _Silent as problem:
        return {"name": folder.name, "problem": str(problem)}


def _commit(root: Path) -> str | None:
    try:
        return _git(root, "rev-parse", "--verify", "HEAD").decode().strip()
    except _Silent:
        return None


def _diff(root: Path, commit: str | None) -> dict[str, Any]:
    """Empty before the first commit: all is untracked or staged then."""
    if commit is None:
        return {"diff": "", "diff_lines": 0, "diff_sha256": ""}
    plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--full-index")
    whole = _git(root, "diff", *plain, "HEAD", "--", *_NOT_CODE)
    text = redact(whole.decode(errors="backslashreplace"))
    return {
        "diff": text[:MOST_DIFF],
        "diff_lines": whole.count(b"\n"),
        "diff_sha256": hashlib.sha256(whole).hexdigest() if whole else "",
    }


def _untracked(root: Path) -> dict[str, Any]:
    listed = _git(root, "ls-files", "-z", "--others", "--exclude-standard", "--", *_NOT_CODE)
    names = sorted(filter(None, listed.decode(errors="backslashreplace").split("\0")))
    return {
        "untracked": {name: file_hash(root / name, MOST_BYTES) for name in names[:MOST_FILES]},
        "untracked_files": len(names),
    }


def file_hash(path: Path, most_bytes: float = math.inf) -> str:
    """SHA-256; of a larger file its size, and of one that cannot be read why."""
    try:
        size = path.stat().st_size
        return hashlib.sha256(path.read_bytes()).hexdigest() if size <= most_bytes else f"{size:,} bytes"
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"


def _git(folder: Path, *words: str) -> bytes:
    """Its output in this folder. It takes no lock, so that a commit at the same time succeeds."""
    ours = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    environment = {**ours, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, timeout=PATIENCE, env=environment, check=False
        )
    except FileNotFoundError:
        raise _Silent("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise _Silent(f"git did not answer within {PATIENCE:g} s") from None
    except OSError as problem:
        raise _Silent(f"git cannot be run: {problem}") from None
    if done.returncode != 0:
        here = folder.absolute()
        if here.is_dir() and not any((place / ".git").exists() for place in (here, *here.parents)):
            raise _Silent("not in a git repository")
        said = done.stderr.decode(errors="backslashreplace").strip().partition("\n")[0]
        raise _Silent(said.removeprefix("fatal: ") or f"git ended with exit code {done.returncode}")
    return done.stdout
