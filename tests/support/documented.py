"""Examples of the documentation that tests run."""

import re
from pathlib import Path

from tests.support.studies import ROOT


def example(page: str, file: str) -> str:
    """The Python block of docs/PAGE that begins with the comment `# FILE`."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(# \S+\.py\n.*?)```", text, re.DOTALL)
    (block,) = [block for block in blocks if block.startswith(f"# {file}\n")]
    return str(block)


def write_example(page: str, file: str, folder: Path) -> str:
    """Write the example into the folder as a module, and return the module's name."""
    (folder / file).write_text(example(page, file), encoding="utf-8")
    return file.removesuffix(".py")
