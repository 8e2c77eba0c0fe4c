"""The description of the package on an index: README.md without links to files, which an index does not have."""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK_TO_FILE = re.compile(r"\[([^\]]+)\]\((?!\w+:)([^)#]+)[^)]*\)")


class Description(MetadataHookInterface):
    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": re.sub(LINK_TO_FILE, _named, text)}


def _named(link: re.Match[str]) -> str:
    """The link's text, and the name of the file where the text is another one."""
    return link[1] if link[1] == link[2] else f"{link[1]} (`{link[2]}`)"
