"""A trainer's module that cannot be imported."""

raise RuntimeError("no data here")
