"""Which files of a folder are sent to a cluster, and how large they are."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from ray._private.runtime_env import packaging

from hpsearch.core.errors import BadInput
from hpsearch.core.format import many, size

EVERYWHERE = [".git", ".hpsearch", "__pycache__", ".env*"]
"""Never sent, at any depth. `.env*` hold passwords, and other users of the cluster may read the upload."""

ENVIRONMENTS = (".venv", "venv")
DATA = ("data", "mlruns")
WEIGHTS = (".pt", ".ckpt")
"""Not sent where they are directly in the study's folder: a package may have folders and files of these names too."""

MAX_BYTES = 100 << 20
"""Maximum size of one folder. Each node downloads it, and Ray's control process keeps it in memory."""

SHOWN = 5
"""How many of the largest files a message names."""


def left_out(folder: Path) -> list[str]:
    """The names of the files and folders directly in a study's folder that are not sent and that a trainer might read,
    sorted."""
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if _is_left_out(entry))


def _is_left_out(entry: Path) -> bool:
    if entry.name == "node_modules" or entry.name.startswith(".env"):
        return True
    if not entry.is_dir():
        return entry.suffix in WEIGHTS
    if entry.name in ENVIRONMENTS:
        return (entry / "pyvenv.cfg").exists() or not _has_python(entry)
    return entry.name in DATA and not _has_python(entry)


def _has_python(folder: Path) -> bool:
    """Whether a Python file is in the folder or in one directly below it, so that a trainer may import it."""
    return any(True for pattern in ("*.py", "*/*.py") for _ in folder.glob(pattern))


def excludes(folder: Path, packages: Iterable[str]) -> list[str]:
    """The patterns of Ray's runtime_env, which Ray applies to the study's folder and to each package sent beside it. If
    a package has an entry of the same name, the patterns name the contents of the study folder's entry."""
    others = [Path(package) for package in packages]
    patterns = [*EVERYWHERE]
    for name in left_out(folder):
        if any((other / name).exists() for other in others) and (folder / name).is_dir():
            inside = (child.name for child in (folder / name).iterdir())
            patterns += [f"/{_literal(name)}/{_literal(child)}" for child in sorted(inside)]
        else:
            patterns.append(f"/{_literal(name)}")
    return patterns


def _literal(name: str) -> str:
    """A name in the syntax of .gitignore."""
    return re.sub(r"([\\*?\[\]!# ])", r"\\\1", name)


def check(folders: Sequence[str], patterns: Sequence[str], modules: Iterable[Path]) -> None:
    """BadInput for a folder that is larger than MAX_BYTES, as Ray would send it, and for a module of the trainer in one
    of the folders that would not be sent."""
    files = [*modules]
    for folder in folders:
        sizes = _sizes(Path(folder), patterns)
        if Path(folder).is_dir():
            _check_modules(Path(folder), sizes, files)
        if (total := sizes.total()) > MAX_BYTES:
            largest = "".join(f"\n  {size(count)}  {name}" for name, count in sizes.most_common(SHOWN))
            raise BadInput(
                f"{folder} has {size(total)} of files, and the limit for a folder that is sent to a cluster is "
                f"{size(MAX_BYTES)}. The largest files:{largest}\n"
                "move what the trainer does not import to a folder that all nodes share, or list it in a file "
                f".rayignore in {folder} (with the syntax of .gitignore)"
            )


def _check_modules(folder: Path, sent: Iterable[str], modules: Iterable[Path]) -> None:
    inside = [file.relative_to(folder) for file in modules if file.is_relative_to(folder) and file.is_file()]
    missing = sorted(name for name in inside if str(name) not in {*sent})
    if not missing:
        return
    first = missing[0]
    own = [f"`!/{first}`"] if len(first.parts) == 1 else [f"`!/{first.parent}`", f"`!/{first.parent}/**`"]
    others = f" (and {many(len(missing) - 1, 'more module')})" if missing[1:] else ""
    raise BadInput(
        f"{folder / first}{others}, which the trainer imports, would not be sent to the cluster, because a .gitignore "
        f"or .rayignore in {folder} leaves it out: add to the end of that file: {', '.join(own)}"
    )


def _sizes(folder: Path, patterns: Sequence[str]) -> Counter[str]:
    """Bytes of each file that Ray would send; files in .gitignore and .rayignore are not among them."""
    found = Counter[str]()

    def add(path: Path) -> None:
        if path.is_file():
            found[str(path.relative_to(folder))] = path.stat().st_size

    if folder.is_dir():
        with_gitignore = os.environ.get("RAY_RUNTIME_ENV_IGNORE_GITIGNORE") != "1"
        excluded = [packaging._get_excludes(folder, list(patterns))]
        packaging._dir_travel(folder, excluded, add, include_gitignore=with_gitignore)
    return found
