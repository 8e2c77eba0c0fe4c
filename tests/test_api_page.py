"""docs/api.md is what its script makes of the docstrings."""

import runpy
from pathlib import Path

import hpsearch

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_is_what_make_docs_writes() -> None:
    page = runpy.run_path(str(DOCS / "api_page.py"))["page"]()
    assert (DOCS / "api.md").read_text(encoding="utf-8") == page, "run `make docs`"


def test_every_public_name_is_on_it() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    assert [name for name in hpsearch.__all__ if f"{name}`" not in text and name != "__version__"] == []
