"""Values rounded to significant digits."""

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import Report, State, Trial
from hpsearch.samplers import from_optuna
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.random import Random
from hpsearch.study.space import Float, Space
from hpsearch.testing.simulation import LOSS
from tests.study.file.space.test_space_section import parsed
from tests.support.study_text import LR, make_study, study_file_errors


@given(st.floats(0, 1), st.integers(1, 15), st.booleans())
def test_a_value_has_no_more_digits(u, digits, log):
    one = Float("x", 1e-5, 1.0, log=log, digits=digits)
    value = one.from_unit(u)
    assert value == float(f"{value:.{digits}g}")
    assert one.low <= value <= one.high
    assert one.from_unit(one.to_unit(value)) == value


def test_the_ends_of_the_range_stay():
    one = Float("x", 0.00123, 0.98765, digits=1)
    assert (one.from_unit(0.0), one.from_unit(1.0)) == (0.00123, 0.98765)


SPACE = Space((Float("lr", 1e-5, 1.0, log=True, digits=2), Float("x", 0.0, 1.0, digits=3)))


@pytest.mark.parametrize(
    "sampler",
    [
        Bayesian(SPACE, 1, 9, 1, "tpe", 3),
        Bayesian(SPACE, 1, 9, 1, "cmaes", 3),
        Bayesian(SPACE, 1, 6, 1, "gp", 4),
        from_optuna(optuna.samplers.TPESampler(n_startup_trials=3))(SPACE, 1, 1, 9),
    ],
    ids=["tpe", "cmaes", "gp", "optuna"],
)
def test_of_model_based_samplers(sampler):
    history = History(LOSS)
    while isinstance(proposal := sampler.ask(history), New):
        assert proposal.params["lr"] == float(f"{proposal.params['lr']:.2g}")
        assert proposal.params["x"] == float(f"{proposal.params['x']:.3g}")
        number, curve = len(history), (Report(1, {"val_loss": proposal.params["x"]}),)
        history.put(Trial(number, proposal.params, 0, 1, State.COMPLETE, curve=curve, ended=number + 1))
    assert len(history) >= 6


def test_is_written_and_read():
    table = {"lr": {"low": 0.1, "high": 1.0, "digits": 3}}
    space = parsed(table)
    assert space == Space((Float("lr", 0.1, 1.0, digits=3),))


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("{ low = 1, high = 9, digits = 2 }", "space.lr"),
        ("{ low = 0.0, high = 1.0, step = 0.1, digits = 2 }", "space.lr"),
        ("{ low = 0.0, high = 1.0, digits = 0 }", "space.lr.digits"),
        ("{ low = 0.0, high = 1.0, digits = 2.5 }", "space.lr.digits"),
        ("{ low = 0.0, high = 1.0, digit = 2 }", "space.lr.digit"),
    ],
)
def test_faults(entry, key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (found,) = study_file_errors((LR, entry))
    assert found.startswith(f"study.toml:10 {key}:")


def test_of_a_study_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert make_study((LR, "{ low = 0.0, high = 1.0, digits = 3 }")).space["lr"] == Float("lr", 0.0, 1.0, digits=3)


@given(st.floats(0, 1), st.sampled_from([(1e-5, 1.0, "log"), (0.0, 1.0, ""), (0.5, 0.50001, ""), (-3.0, 1e6, "")]))
def test_short_values_are_few_digits_near_the_place(u, ends):
    low, high, scale = ends
    one = Float("x", low, high, log=scale == "log", short=True)
    value = one.from_unit(u)
    assert low <= value <= high
    assert abs(one.to_unit(value) - u) <= 1 / 4_000
    assert value in (low, high) or value == float(f"{value:.{11 if low == 0.5 else 8}g}")


def test_short_values_of_usual_ranges_have_four_digits():
    assert Float("x", 0.0, 1.0, short=True).from_unit(0.2278417192) == 0.2278
    assert Float("lr", 1e-5, 1.0, log=True, short=True).from_unit(0.4123456) == 0.001153


def test_near_one_more_digits_are_kept():
    one = Float("beta", 0.9, 0.99999, scale="reverse-log", short=True)
    assert one.from_unit(0.99) == 0.99998904


def test_a_grid_is_not_shortened():
    one = Float("x", 0.0, 1.0, points=4, short=True)
    assert one.grid_values() == (0.0, 0.333333333333, 0.666666666667, 1.0)


def test_no_short_value_is_drawn_twice():
    history = History(LOSS)
    sampler = Random(Space((Float("x", 0.0, 1.0, digits=2),)), 1, 80, 1)
    while isinstance(proposal := sampler.ask(history), New):
        history.put(Trial(len(history), proposal.params, 0, 1, State.COMPLETE, ended=len(history) + 1))
    assert len({trial.params["x"] for trial in history}) == 80
