"""A trainer's module that imports a package that is not installed."""

import no_such_library_at_all  # type: ignore[import-not-found]  # noqa: F401
