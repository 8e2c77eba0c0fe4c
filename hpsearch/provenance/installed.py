"""The installed distributions and the lock files of a study, to build its environment again."""

import importlib.metadata
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hpsearch.core.redact import redact
from hpsearch.provenance import repository

LOCKS = (
    *("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pixi.lock", "Pipfile.lock", "conda-lock.yml"),
    *("environment.yml", "requirements.lock", "requirements.txt", "constraints.txt"),
)
"""Files with the versions of an environment."""


def distributions(path: Sequence[str] | None = None) -> dict[str, dict[str, str]]:
    """By name: `version`, and `url` for a distribution that is not from an index (PEP 610).

    path: the folders to search; default: sys.path. Names and versions are from the names of the .dist-info folders:
    reading the metadata of every distribution takes 100 times as long.
    """
    found: dict[str, dict[str, str]] = {}
    for place in sys.path if path is None else path:
        with suppress(OSError):
            for folder in Path(place or ".").glob("*.dist-info"):
                name, _, version = folder.name.removesuffix(".dist-info").partition("-")
                found.setdefault(name.lower().replace("_", "-"), {"version": version, **_direct(folder)})
    return dict(sorted(found.items()))


def version_of_module(name: str) -> str:
    """The version of the distribution with this top-level module, such as scikit-learn for sklearn; "" if unknown."""
    for one in importlib.metadata.distributions():
        files = f"\n{one.read_text('RECORD') or ''}"
        if f"\n{name}/__init__.py," in files or f"\n{name}.py," in files:
            return one.version
    return ""


def _direct(folder: Path) -> dict[str, str]:
    """`url`, with the commit of a repository, and `editable`."""
    try:
        about = json.loads((folder / "direct_url.json").read_text(encoding="utf-8"))
        vcs = about.get("vcs_info", {})
        url = f"{vcs['vcs']}+{about['url']}@{vcs['commit_id']}" if vcs else about["url"]
    except (OSError, ValueError, KeyError, AttributeError):
        return {}
    return {"url": redact(url), **({"editable": "true"} if about.get("dir_info", {}).get("editable") else {})}


def lock_files(folder: Path) -> dict[str, str]:
    """SHA-256 of the lock files in the study's folder, or in the nearest folder above it within its repository."""
    absolute = folder.absolute()
    for place in (absolute, *absolute.parents):
        if here := [place / name for name in LOCKS if (place / name).is_file()]:
            return {file.name: repository.file_hash(file) for file in here}
        if (place / ".git").exists():
            break
    return {}


def requirements(recorded: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Lines of a requirements file. An editable installation is a comment, since it is on one machine only. A local
    version, such as 2.13.0+cpu, is not on PyPI, and no installer records the index that it is from."""
    for name, one in recorded.items():
        if "editable" in one:
            yield f"# {name} {one['version']} was installed from {one['url']}, editable"
        elif "url" in one:
            yield f"{name} @ {one['url']}"
        else:
            note = "  # not on PyPI: add --extra-index-url with the index that has it" if "+" in one["version"] else ""
            yield f"{name}=={one['version']}{note}"


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """`numpy: was 2.3.0, is 2.4.6` for each distribution and lock file that differs; [] if an older hpsearch recorded
    no distributions. before, now: the `code` of an environment."""
    lines = []
    if "distributions" in before:
        old, new = (_versions(code["distributions"]) for code in (before, now))
        lines += [
            f"{name}: was {old.get(name, 'not installed')}, is {new.get(name, 'not installed')}"
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    locks, new_locks = before.get("locks", {}), now.get("locks", {})
    lines += [f"{name} has changed" for name, digest in locks.items() if new_locks.get(name) != digest]
    return lines


def _versions(recorded: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {name: " from ".join(filter(None, [one["version"], one.get("url")])) for name, one in recorded.items()}
