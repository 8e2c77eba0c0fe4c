"""The plot of a range test, as data of the page; its look is not tested."""

import json
from typing import Any

from hpsearch.plots import figures
from hpsearch.plots.lr_range import LINE, NAMES

FOUND = {"begins": 1e-4, "steepest": 1e-3, "best": 1e-2, "diverges": None}


def one(**params: str) -> dict[str, Any]:
    rates = [1e-4, 1e-3, 1e-2, 1e-1]
    return {"params": params, "rates": rates, "losses": [2.0, 1.5, 1.0, None], "smoothed": [2.0, 1.4, 1.1], **FOUND}


def document(*tests: dict[str, Any], says: str = "lr: range [0.0001, 0.1] from", **more: Any) -> dict[str, Any]:
    return {"parameter": "lr", "says": says, "tests": tests, "window": {"low": 1e-4, "high": 0.1}, **more}


def drawn(found: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Its traces and its layout, as they stand in the page."""
    page, decoder = figures.pages({"lr_range": found}, whole=False)["lr_range.html"], json.JSONDecoder()
    traces, end = decoder.raw_decode(page, page.index("[", page.index("Plotly.newPlot(")))
    layout, _ = decoder.raw_decode(page, page.index("{", end))
    return traces, layout


def test_learning_rates_are_shown_on_a_logarithmic_axis() -> None:
    traces, layout = drawn(document(one()))
    assert layout["xaxis"]["type"] == "log"
    assert layout["xaxis"]["title"]["text"].startswith("lr")
    assert traces[0]["x"] == [1e-4, 1e-3, 1e-2, 1e-1]
    assert traces[0]["y"] == [2.0, 1.5, 1.0, None]
    assert traces[2]["text"] == [f"{NAMES[kind]}: {FOUND[kind]}" for kind in ("begins", "steepest", "best")]


def test_a_diverged_loss_does_not_flatten_the_rest() -> None:
    left = one() | {"smoothed": [2.0, 1.0, 5000.0]}
    _, layout = drawn(document(left))
    assert layout["yaxis"]["range"] == [0.7, 2.6]


def test_each_test_is_named_by_the_parameters_in_which_it_differs() -> None:
    traces, _ = drawn(document(one(optimizer="sgd", size="1"), one(optimizer="adam", size="1")))
    named = [trace["name"] for trace in traces if trace.get("showlegend") is not False]
    assert named == ["optimizer = sgd", "optimizer = adam", *NAMES.values()]


def test_the_range_found_and_the_one_in_the_study_file() -> None:
    _, layout = drawn(document(one(), asked={"low": 1e-7, "high": 1e-6}))
    bands = {shape["name"]: (shape["x0"], shape["x1"]) for shape in layout["shapes"]}
    assert list(bands.values()) == [(1e-4, 0.1), (1e-7, 1e-6)]


def test_a_test_without_a_result_is_drawn() -> None:
    nothing = one() | dict.fromkeys(FOUND) | {"smoothed": []}
    traces, layout = drawn(document(nothing) | {"window": None})
    assert "shapes" not in layout
    assert traces[0]["y"][0] == 2.0


def test_a_long_sentence_is_broken_into_lines() -> None:
    _, layout = drawn(document(one(), says="word " * 60))
    assert max(map(len, layout["title"]["text"].split("<br>"))) <= LINE


def test_the_whole_page_is_self_contained() -> None:
    whole, part = (figures.pages({"lr_range": document(one())}, whole=flag)["lr_range.html"] for flag in (True, False))
    assert len(whole) > 3_000_000 > 50_000 > len(part)
    assert "<script" in part
    assert "cdn.plot.ly" in part
