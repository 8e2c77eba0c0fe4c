"""The environment of a trial: everything that its curve depends on besides parameters, seed and data.

`of_worker` is called in the worker's process, `code` in the driver's.
"""

import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from hpsearch import __version__
from hpsearch.core.format import many
from hpsearch.core.redact import redact
from hpsearch.core.trial import ASK_AND_TELL, CALLER, COMMAND
from hpsearch.provenance import repository
from hpsearch.provenance.module_search import is_installed
from hpsearch.provenance.sources import Sources, file_hash

PACKAGES = ("torch", "numpy", "ray", "optuna", "mlflow")
"""Packages with a recorded version, if installed, besides those that the trainer imports."""

SETTINGS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "CUBLAS_WORKSPACE_CONFIG",
    "PYTHONHASHSEED",
    "HPSEARCH_DATA",
    "HPSEARCH_HOME",
    "HPSEARCH_UMASK",
)
"""The environment variables that are recorded: those that can change results, and hpsearch's without a password."""


LOCKS = (
    *("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "pixi.lock", "Pipfile.lock", "conda-lock.yml"),
    *("environment.yml", "requirements.lock", "requirements.txt", "constraints.txt"),
)
"""Files with the versions of an environment."""


# In the worker's process ─────────────────────────────────────────────────────────────────────────


def of_worker(own: Sources, device: str, threads: int) -> dict[str, Any]:
    """The environment of a worker, in plain JSON values. own: the trainer's sources, see `sources`."""
    return {
        "python": platform.python_version(),
        "packages": _packages(own.packages),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "gpu": _gpu() if device == "cuda" else None,
        "device": device,
        "threads": threads,
        "settings": _settings(os.environ),
        "sources": sources(own),
    }


def of_caller() -> dict[str, Any]:
    """The environment of a program that trains the trials of a `Session`. sources: the files of the program."""
    torch = sys.modules.get("torch")
    own = Sources.of_script(script) if (script := _script()) else Sources()
    device = "cuda" if torch is not None and torch.cuda.is_available() else "cpu"
    threads = torch.get_num_threads() if torch is not None else os.cpu_count() or 1
    return {"trained_by": CALLER, **of_worker(own, device, threads)}


def _script() -> Path | None:
    """The program's file; None in a notebook or an interactive session."""
    name = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(name).absolute() if name and Path(name).is_file() else None


def sources(own: Sources) -> dict[str, str]:
    """SHA-256 of the trainer's files by module, and of objects that are not in a file."""
    return {name: file_hash(path) for name, path in sorted(own.files.items())} | own.objects


def versions(own: Sources) -> dict[str, str]:
    """The versions of Python, hpsearch and the packages that a trainer imports, in this process. Imports nothing."""
    return {"python": platform.python_version(), **_packages(own.packages)}


def _packages(imported: set[str]) -> dict[str, str]:
    found = {name: _version(name) for name in sorted({*PACKAGES, *imported})}
    return {"hpsearch": __version__, **{name: version for name, version in found.items() if version}}


@cache
def _version(name: str) -> str:
    """The version of a distribution, or of the one that has a module of this name; "" if unknown. It does not depend
    on whether the module is imported yet: the environment of all trials of a process is the same."""
    with suppress(importlib.metadata.PackageNotFoundError, ValueError):
        return importlib.metadata.version(name)
    return version_of_module(name)


def _cpu() -> dict[str, Any]:
    """memory: in GiB, rounded up, since the kernel reserves some."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found: dict[str, Any] = {"model": _cpu_model(), "cores": cores}
    with suppress(ValueError, OSError, AttributeError):
        found["memory"] = math.ceil(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)
    with suppress(KeyError, AttributeError):
        found["vectors"] = sys.modules["torch"].backends.cpu.get_cpu_capability()
    return found


@cache
def _cpu_model() -> str:
    with suppress(OSError):
        found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(errors="replace"), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _gpu() -> dict[str, Any] | None:
    """The GPU of this worker."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    about = torch.cuda.get_device_properties(0)
    return {
        "model": about.name,
        "memory": math.ceil(about.total_memory / 2**30),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: redact(environment[name]) for name in sorted(SETTINGS) if name in environment}


# In the driver's process ─────────────────────────────────────────────────────────────────────────


def code(use: str, folder: Path, keep_diff: bool = True) -> dict[str, Any]:
    """The git repositories of the study's folder and of the trainer "module:name" (`repository.state`), the installed
    distributions, and the lock files."""
    states = [repository.state(place, keep_diff) for place in dict.fromkeys([folder, *_places(use, folder)])]
    known = [one for one in states if "problem" not in one]
    unique = {one["name"]: one for one in (known or states[:1])}
    return {
        "folder": str(folder),
        "repositories": list(unique.values()),
        "distributions": distributions(),
        "locks": lock_files(folder),
    }


def _places(use: str, folder: Path) -> Iterator[Path]:
    """The folder of the trainer's package, unless it is in the study's folder or installed; for ask and tell, the
    folder of the program."""
    if use == ASK_AND_TELL:
        yield from [script.parent] if (script := _script()) else []
        return
    place = use.rpartition(":")[0]
    if place.endswith(".py"):
        yield (folder / Path(place).expanduser()).resolve().parent
        return
    name = place.partition(".")[0]
    if use == COMMAND or (folder / name).exists() or (folder / f"{name}.py").exists():
        return
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None and not is_installed(Path(spec.origin)):
            yield Path(spec.origin).parent


# As text ─────────────────────────────────────────────────────────────────────────────────────────


def summary(document: Mapping[str, Any]) -> str:
    """`commit 0ed08a59f04a + 12 lines, Python 3.12.3, torch 2.13.0, cpu with 1 thread, Intel(R) Xeon(R)`"""
    about = document["environment"]
    packages = about["packages"]
    torch = [f"torch {packages['torch']}"] if "torch" in packages else [f"hpsearch {packages['hpsearch']}"]
    threads = f"{about['device']} with {many(about['threads'], 'thread')}"
    model = about["gpu"]["model"] if about["gpu"] else about["cpu"]["model"]
    commits = [_commit(one) for one in document["code"]["repositories"]]
    by = [about["trained_by"]] if "trained_by" in about else []
    return ", ".join([*by, *commits, f"Python {about['python']}", *torch, threads, model])


def _commit(repository: Mapping[str, Any]) -> str:
    if "problem" in repository:
        return f"no commit ({repository['problem']})"
    changed = f"{repository['diff_lines']:,} lines of diff" if repository["diff_lines"] else ""
    untracked = f"{repository['untracked_files']:,} untracked files" if repository["untracked_files"] else ""
    commit = f"commit {repository['commit'][:12]}" if repository["commit"] else "no commit yet"
    return " + ".join(filter(None, [commit, changed, untracked]))


def comparable(document: Mapping[str, Any], data: Mapping[str, str]) -> dict[str, Any]:
    """Environment and data of a trial as nested mappings of short values, to compare them with another trial's."""
    repositories = {one["name"]: _comparable(one) for one in document["code"]["repositories"]}
    tree = {"data": data, **document["environment"], "repository": repositories}
    return {name: _shortened(value) for name, value in tree.items()}


def _comparable(repository: Mapping[str, Any]) -> Mapping[str, Any]:
    if "problem" in repository:
        return {"problem": repository["problem"]}
    diff = (
        f"{repository['diff_lines']:,} lines ({repository['diff_sha256'][:12]})" if repository["diff_lines"] else "none"
    )
    return {"commit": repository["commit"], "diff": diff, "untracked": repository["untracked"]}


def _shortened(value: Any) -> Any:
    """The value with hashes cut to 12 characters."""
    if isinstance(value, Mapping):
        return {name: _shortened(one) for name, one in value.items()}
    return value[:12] if isinstance(value, str) and re.fullmatch("[0-9a-f]{40,64}", value) else value


# Installed distributions ─────────────────────────────────────────────────────────────────────────


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
            return {file.name: file_hash(file) for file in here}
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
