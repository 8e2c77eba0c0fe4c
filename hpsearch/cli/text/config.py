"""The settings that apply here, as text."""

from pathlib import Path

from hpsearch.records.settings import Settings


def text(found: Settings) -> str:
    workers = found.workers.value or "as many as fit"
    values = {
        "home": (found.home.value, found.home.source),
        "data": (found.data.value or "not set", found.data.source or "HPSEARCH_DATA is not set"),
        "workers": (workers, found.workers.source),
        "tracking": (found.tracking.value, found.tracking.source),
    }
    width = max(len(str(value)) for value, _ in values.values())
    lines = [f"{name:<9} {value!s:<{width}}  {source}" for name, (value, source) in values.items()]
    project = found.project or "pyproject.toml (there is none here or above)"
    user = found.user if Path(found.user).is_file() else f"{found.user} (there is none)"
    lines += [
        "",
        "A study file overrides workers and tracking. Defaults for home, workers and tracking are read from",
        f"  [tool.hpsearch] of {project}",
        *([f"  {user}"] if found.user else []),
    ]
    return "\n".join(lines)
