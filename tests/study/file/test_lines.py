import textwrap

from hypothesis import given
from hypothesis import strategies as st

from hpsearch.study.file.lines import scan

TEXT = textwrap.dedent('''\
    top = 1 # = [ a comment
    [study]
    name = "has ] and # and \\" inside"
    ["quoted table"."x.y"]
    a.b = { c = 1, "d e" = [1, 2] }
    long = """
    not = "a key"
    [not.a.table]
    """
    after = 'it''s' # not TOML, but read past
    [space]
    matrix = [
      [1, 2],   # a comment in an array
      [3],
      { low = 1,
        high = 2 },
    ]
    [[search.rounds]]
    trials = 1
    [[search.rounds]]
    trials = 2
    [search.rounds.deeper]
    key = 1979-05-27T07:32:00
    [empty]
''')


def test_every_key_has_its_line():
    lines = scan(TEXT)
    assert lines.of == {
        ("top",): 1,
        ("study",): 2,
        ("study", "name"): 3,
        ("quoted table",): 4,
        ("quoted table", "x.y"): 4,
        ("quoted table", "x.y", "a"): 5,
        ("quoted table", "x.y", "a", "b"): 5,
        ("quoted table", "x.y", "a", "b", "c"): 5,
        ("quoted table", "x.y", "a", "b", "d e"): 5,
        ("quoted table", "x.y", "a", "b", "d e", 0): 5,
        ("quoted table", "x.y", "a", "b", "d e", 1): 5,
        ("quoted table", "x.y", "long"): 6,
        ("quoted table", "x.y", "after"): 10,
        ("space",): 11,
        ("space", "matrix"): 12,
        ("space", "matrix", 0): 13,
        ("space", "matrix", 0, 0): 13,
        ("space", "matrix", 0, 1): 13,
        ("space", "matrix", 1): 14,
        ("space", "matrix", 1, 0): 14,
        ("space", "matrix", 2): 15,
        ("space", "matrix", 2, "low"): 15,
        ("space", "matrix", 2, "high"): 16,
        ("search",): 18,
        ("search", "rounds"): 18,
        ("search", "rounds", 0): 18,
        ("search", "rounds", 0, "trials"): 19,
        ("search", "rounds", 1): 20,
        ("search", "rounds", 1, "trials"): 21,
        ("search", "rounds", 1, "deeper"): 22,
        ("search", "rounds", 1, "deeper", "key"): 23,
        ("empty",): 24,
    }


def test_a_key_that_is_not_there_has_the_line_of_the_one_around_it():
    lines = scan(TEXT)
    assert lines.find(("search", "rounds", 1, "epochs")) == 20
    assert lines.find(("study", "metric")) == 2
    assert lines.find(("prune", "method")) == 0
    assert lines.find(()) == 0


def test_escapes_in_a_key_are_read():
    assert scan('"caf\\u00e9" = 1').of == {("café",): 1}


def test_depth_is_found_without_going_there():
    assert scan("\n" + "a." * 100_000 + "a = 1").too_deep == 2
    assert scan("[" + "a." * 100_000 + "a]").too_deep == 1
    assert scan("a = " + "[" * 100_000).too_deep == 1
    assert scan("a = " + "{a = " * 100_000).too_deep == 1
    assert scan("a = [[[[1]]]]\n" * 1000).too_deep == 0


@given(st.text(alphabet="ab=.,[]{}\"'\\#\n \t1"))
def test_the_scanner_takes_anything(text):
    lines = scan(text)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.of.values())
