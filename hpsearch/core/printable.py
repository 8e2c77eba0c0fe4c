"""Texts of other people's programs on a terminal: what would control it is shown, not obeyed."""

import re

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # all control characters but tab and line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what changes the direction of text (Unicode TR 9)
    "\u2028\u2029\ufeff]"
)


def printable(text: str) -> str:
    """The text with control and bidirectional characters as escapes, such as `\\x1b`; colours are left out.

    An exception, a choice, a name or a log may contain them, and a terminal would set its title, clear its screen or
    show other text than what is there.
    """
    text = _COLOURS.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
