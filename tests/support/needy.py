"""A trainer's module that needs what nobody has."""

import no_such_library_at_all  # type: ignore[import-not-found]  # noqa: F401
