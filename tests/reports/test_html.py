"""What is put into an element is text unless it says that it is HTML."""

from hpsearch.reports.html import Html, element, folded, joined, listed, pairs, put, table

BAD = "<script>'\"&"
SAFE = "&lt;script&gt;&#x27;&quot;&amp;"


def test_text_is_escaped_and_html_is_not() -> None:
    assert put(BAD) == SAFE
    assert put(Html("<b>")) == "<b>"
    assert put(3) == "3"
    assert joined([BAD, Html("<b>")]) == f"{SAFE}<b>"


def test_passwords_go() -> None:
    assert put("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"


def test_everything_that_is_put_anywhere() -> None:
    everything = [
        element("p", BAD, title=BAD),
        listed([BAD]),
        pairs([(BAD, BAD)]),
        table([BAD], [[BAD, BAD]], BAD),
        folded(BAD, BAD),
    ]
    for made in everything:
        assert isinstance(made, Html)
        assert SAFE in made
        assert "<script" not in made


def test_a_table_names_its_columns_and_rows() -> None:
    made = table(["trial", "value"], [["3", "0.5"]])
    assert '<th scope="col">trial</th><th scope="col">value</th>' in made
    assert '<th scope="row">3</th><td>0.5</td>' in made
    assert "<caption" not in made


def test_names_that_are_words_of_python() -> None:
    assert element("p", class_="lead") == '<p class="lead"></p>'
