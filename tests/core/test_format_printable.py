import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.format import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;another title\x07", r"\x1b]0;another title\x07"),
        ("\x1b[2J\x1b[H", r"\x1b[2J\x1b[H"),
        ("\x9b2J", r"\x9b2J"),
        ("100 %\rdone", r"100 %\rdone"),
        ("a\x08b", r"a\x08b"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("\x1b[1;31mred\x1b[0m", "red"),
    ],
)
def test_what_would_control_a_terminal_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("text", ["", "a\tb\nc", "naïve 最 😀", "\u0301e", "a\u200db"])
def test_everything_else_stays(text: str) -> None:
    assert printable(text) == text


@given(st.text())
def test_no_text_controls_a_terminal(text: str) -> None:
    shown = printable(text)
    assert all(character.isprintable() or character in "\t\n" or ord(character) > 0x9F for character in shown)
    assert printable(shown) == shown
