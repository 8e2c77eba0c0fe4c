"""The metrics that hpsearch adds to a trainer's own: measured, not reported."""

PREFIX = "hpsearch/"


def is_measured(name: str) -> bool:
    return name.startswith(PREFIX)
