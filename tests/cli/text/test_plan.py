"""A forecast in words."""

from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.cli.text.plan import text
from hpsearch.core.decisions import New
from hpsearch.core.time_left import Span
from hpsearch.core.trial import State
from hpsearch.journal import Summary
from hpsearch.orchestrator.disk_forecast import DiskForecast
from hpsearch.orchestrator.forecast import Forecast
from hpsearch.study import plan
from tests.support.study_text import LR, RANDOM, ROUNDS, make_study

NONE = '[resources]\naddress = "none"\n'
COST = {"seconds": 0.25, "host": 3 * 2**20, "gpu": None, "per_gpu": None}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def forecast(*changes: tuple[str, str], more: str = NONE, first: int = 5, **known: object) -> Forecast:
    """Nothing is recorded or measured, unless `known` has it."""
    study = make_study(*changes, ("", more))
    whole = Forecast(
        study,
        rounds=tuple(plan.rounds(study)),
        trials=plan.proposals(study) or None,
        epochs=plan.limited_epochs(study) or None,
        first=tuple(New({"lr": 0.1 * (number + 1)}, 9, "random") for number in range(first)),
        recorded=None,
        seconds_per_epoch=None,
        time_left=None,
        cost=None,
        lr_range=None,
    )
    return replace(whole, **known)  # type: ignore[arg-type]


def recorded(trials: int, epochs: int) -> Summary:
    return Summary({State.COMPLETE: trials}, epochs, 0.5 * epochs, None)


def line(found: Forecast, start: str) -> str:
    (one,) = [one for one in text(found).splitlines() if one.startswith(start)]
    return one


def test_the_screen() -> None:
    assert text(forecast()).splitlines() == [
        "digits: random search for the lowest val_loss",
        "round  trials  continued  to epoch",
        "1      5       none       9",
        "at most 45 epochs (pruning: never)",
        "time: unknown, because no epoch has been measured yet (`hpsearch preflight` measures one)",
        "1 trial in parallel, 1 CPU each",
        "",
        "first proposals",
        *(f"  lr = 0.{number}" for number in range(1, 6)),
    ]


def test_rounds_depend_on_results() -> None:
    rounds = "[{ trials = 4, epochs = 1 }, { trials = 2, epochs = 9 }]"
    found = forecast((RANDOM, ROUNDS + rounds), more=NONE + '[prune]\nmethod = "median"\n', first=4)
    lines = text(found).splitlines()
    assert lines[0] == "digits: coarse-to-fine search for the lowest val_loss"
    assert [one.split() for one in lines[2:4]] == [["1", "4", "none", "1"], ["2", "2", "up", "to", "1", "9"]]
    assert lines[4] == "at most 21 epochs (pruning: median)"
    assert lines[-1] == "  later proposals depend on results"
    assert not any("is a forecast" in line for line in lines)
    recipe = forecast((RANDOM, '"recipe"\nbudget = { epochs = 40 }'), first=4)
    assert "later rounds depend on results: this is a forecast" in text(recipe).splitlines()


def test_how_long_it_takes() -> None:
    known = forecast(seconds_per_epoch=0.25, time_left=Span(60.0, 120.0))
    assert line(known, "time: ") == "time: 1 to 2 min, measured: 0.25 s per epoch"
    begun = replace(known, recorded=recorded(2, 18))
    assert line(begun, "time: ") == "time: 1 to 2 min left, measured: 0.25 s per epoch"
    assert line(begun, "recorded ") == "recorded so far: 2 trials, 18 epochs"
    over = replace(begun, time_left=Span(0.0, 0.0))
    assert line(over, "time: ") == "time: nothing is left to train"


def test_gpus() -> None:
    resources = "[resources]\nworkers = 2\n[resources.per_trial]\ncpus = 1\ngpus = 0.5\n"
    found = forecast(more=resources, seconds_per_epoch=400.0, time_left=Span(60.0, 60.0))
    assert "2 trials in parallel, 1 CPU and 0.5 GPU each" in text(found).splitlines()
    assert "(2.5 GPU hours at most in all)" in line(found, "time: ")


def test_as_many_as_fit() -> None:
    assert "as many trials in parallel as fit, 1 CPU each" in text(forecast(more="")).splitlines()


def test_replicates() -> None:
    found = forecast(("epochs = 9", "epochs = 9\nrepeats = 3"))
    assert line(found, "1 trial").endswith("; each trial trains 3 repeats side by side, in every epoch")
    assert line(found, "at most").endswith("(pruning: paired test over 3 repeats)")
    both = forecast(("epochs = 9", "epochs = 9\nrepeats = 3"), more=NONE + '[prune]\nmethod = "median"\n')
    assert line(both, "at most").endswith("(pruning: median and paired test over 3 repeats)")


def test_what_is_measured_before_the_first_trial() -> None:
    found = forecast(more=f"{NONE}[preflight]\n[lr_range]\n")
    before = [one for one in text(found).splitlines() if one.startswith("before the first trial: ")]
    assert before == [
        "before the first trial: a preflight checks whether the trainer can learn",
        "before the first trial: a range test finds the range of lr",
    ]
    assert "before the first trial" not in text(replace(found, recorded=recorded(1, 9)))
    measured = replace(found, cost=COST, lr_range="lr falls")
    assert text(measured).splitlines()[-9:-7] == [
        "measured by the preflight: 0.25 s an epoch, 3 MiB of memory",
        "lr falls",
    ]


@pytest.mark.parametrize(
    ("disk", "said"),
    [
        (DiskForecast(None, None, 5, 1, 0, 0, 2**30), "their size is known after the first one"),
        (
            DiskForecast(2**20, 2**20, 5, 2, 3, 0, 2**30),
            "at most 29 MiB at one time (5 ended trials, 2 running, 3 paused)",
        ),
        (DiskForecast(2**20, 2**20, None, 2, 0, 0, 2**30), "each ended trial keeps a checkpoint of 1 MiB"),
    ],
)
def test_the_disk(disk: DiskForecast, said: str) -> None:
    assert said in line(forecast(disk=disk), "disk: ")
    assert line(forecast(disk=disk), "disk: ").endswith("; 1 GiB are free")
    assert "warning" not in text(forecast(disk=disk))


def test_a_disk_that_is_too_small() -> None:
    assert line(forecast(disk=DiskForecast(2**30, 2**30, 5, 2, 3, 0, 2**30)), "warning: ")


GRID = '"grid"'
FOUR = "units = { values = [16, 64, 256] }\ndepth = [1, 2, 3]"


def test_a_grid_over_more_than_three_parameters_advises_random_search() -> None:
    changes = ((RANDOM, GRID), (LR, "[1e-3, 1e-2, 1e-1]"), ("units = { low = 16, high = 256, log = true }", FOUR))
    found = forecast(*changes)
    assert 'method = "random"' in line(found, "advice: 54 trials of a grid over 4 parameters")


@pytest.mark.parametrize(("trials", "values"), [(63, None), (64, 4), (130, 5)])
def test_random_search_of_three_parameters_advises_a_grid_where_it_has_enough_trials(
    trials: int, values: int | None
) -> None:
    found = forecast((RANDOM, f'"random"\ntrials = {trials}'))
    said = [one for one in text(found).splitlines() if one.startswith("advice: ")]
    assert [f"{values} values of each" in one for one in said] == ([] if values is None else [True])
