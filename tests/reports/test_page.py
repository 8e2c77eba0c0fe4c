"""What templates do with texts; the whole page is tested with `hpsearch report`."""

from importlib.resources import files
from types import SimpleNamespace

import pytest
from markupsafe import Markup

from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.reports.content import Content
from hpsearch.reports.page import HEAD, TAIL, searched, shortened, templates
from hpsearch.study.space import Choice, Float, Int, Space


def rendered(template: str, **values: object) -> str:
    return templates().from_string('{% from "parts.html" import command, row, table %}' + template).render(values)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("</pre><script>alert(1)</script>", "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("a & \"b\" & 'c'", "a &amp; &#34;b&#34; &amp; &#39;c&#39;"),
        ("postgresql://me:Xq7canary@host/db", "postgresql://me:***@host/db"),
        ("\x1b[2J\u202eterces", "\\x1b[2J\\u202eterces"),
        (3, "3"),
    ],
)
def test_every_text_is_escaped_and_redacted(text: object, shown: str) -> None:
    assert rendered("<p>{{ text }}</p>", text=text) == f"<p>{shown}</p>"
    assert rendered('<p title="{{ text }}"></p>', text=text) == f'<p title="{shown}"></p>'
    assert f'<th scope="row">{shown}</th><td>{shown}</td>' in rendered("{{ row(text, text) }}", text=text)
    assert shown in rendered("{% call table([text], text) %}{% endcall %}", text=text)
    assert shown in rendered('{{ "%s" | format(text) }}', text=text)
    assert rendered("{% set one %}{{ text }}{% endset %}{{ one }}", text=text) == shown


def test_markup_is_not_escaped() -> None:
    assert rendered("{{ text }}", text=Markup("<b>1</b>")) == "<b>1</b>"


def test_an_undefined_name_is_an_error() -> None:
    with pytest.raises(Exception, match="typo"):
        rendered("{{ typo }}")


def test_a_command_is_quoted_for_the_shell() -> None:
    assert rendered('{{ command("show", name) }}', name="a b") == "<code>hpsearch show &#39;a b&#39;</code>"


def test_every_cell_of_a_table_has_headers() -> None:
    made = rendered('{% call table(["trial", "value"]) %}{{ row(3, 0.5) }}{% endcall %}')
    assert '<th scope="col">trial</th><th scope="col">value</th>' in made
    assert '<th scope="row">3</th><td>0.5</td>' in made
    assert "<caption" not in made


def test_only_plots_are_inserted_without_escaping() -> None:
    """`markup` is for what plots made, which has no "<" in it; `safe` is for nothing."""
    sources = {one.name: one.read_text() for one in files("hpsearch.reports").joinpath("templates").iterdir()}
    assert {name for name, source in sources.items() if "markup" in source} == {"plots.html"}
    assert not [name for name, source in sources.items() if "| safe" in source or "autoescape" in source]


def test_the_middle_of_a_long_traceback_is_left_out() -> None:
    lines = [f"line {number}" for number in range(100)]
    shown = shortened("\n".join(lines) + "\n").splitlines()
    assert shown == [*lines[:HEAD], f"… {100 - HEAD - TAIL} lines left out …", *lines[-TAIL:]]
    assert shortened("\n".join(lines[: HEAD + TAIL + 1])).splitlines() == lines[: HEAD + TAIL + 1]


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        (Float("lr", 1e-5, 1.0, log=True, when={"kind": ("a", "b")}), "1e-05 to 1, logarithmic, where kind is a or b"),
        (Int("units", 8, 64, step=8), "integers 8 to 64, in steps of 8"),
        (Choice("kind", ("a", True, 3)), "a or True or 3"),
    ],
)
def test_the_search_space_of_a_parameter_as_text(parameter: Float | Int | Choice, says: str) -> None:
    assert searched(parameter) == says


def test_a_parameter_with_two_ranges_has_one_column_and_a_value_in_one_of_them() -> None:
    axes = [Float("lr", 0.0, 1.0, when={"kind": (one,)}, axis=f"lr ({one})") for one in ("a", "b")]
    space = Space((Choice("kind", ("a", "b"), names=("one", "two")), *axes))
    curve = (Report(1, {"loss": 1.0}),)
    trial = Trial(0, {"kind": "b", "lr": 0.5}, seed=0, until=1, state=State.COMPLETE, curve=curve)
    study = SimpleNamespace(objective=Objective("loss", "minimize"))
    content = Content(study, space, *[None] * 3, [trial], *[[]] * 4, tested=None)  # type: ignore[arg-type]
    assert content.active([trial]) == ["kind", "lr"]
    assert [content.of_best(one) for one in space.parameters] == ["two", None, 0.5]


def test_epochs_that_were_trained_again_count() -> None:
    curve = tuple(Report(step, {"loss": 1.0}) for step in (1, 2, 3))
    trial = Trial(0, {}, seed=0, until=3, state=State.COMPLETE, curve=curve, retrained=2)
    content = Content(*[None] * 5, trials=[trial], decisions=[], segments=[], documents={}, openings=[], tested=None)
    assert content.epochs == 5
