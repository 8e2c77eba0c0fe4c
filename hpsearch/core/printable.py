"""Texts of other programs for a terminal, without characters that control it."""

import re

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all control characters but tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # these change the direction of text (Unicode TR 9)
    "\u2028\u2029\ufeff]"
)


def printable(text: str) -> str:
    """The text with control and bidirectional characters as escapes, such as `\\x1b`, and without colours.

    An exception, a choice, a name or a log may contain them. They could make a terminal change its title, clear its
    screen or show a different text.
    """
    text = _COLOURS.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
