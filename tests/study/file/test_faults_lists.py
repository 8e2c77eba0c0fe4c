"""The elements of the lists of a study file are checked one by one, beside other faults."""

import pytest

from tests.support.study_text import LR, RANDOM, ROUNDS, SETS, study_file_errors


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


BESIDE = ('goal = "minimize"', 'goal = "minimize"\nseed = "x"\nrequire = [3, "ms <= ", "ms <= 1"]')


@pytest.mark.parametrize(
    ("search", "keys"),
    [
        (
            f'{RANDOM}\nfirst = [3, {{ opt = "x" }}, {{ lr = 0.01, unts = 8 }}, {{ lr = 9.0, units = 16 }}]',
            {"search.first.0", "search.first.1.opt", "search.first.2.unts", "search.first.3.lr"},
        ),
        ('"random"\ntrials = 0\nfirst = [{ unts = 8 }]', {"search.trials", "search.first.0.unts"}),
        ('"randm"\ntrials = 5\nfirst = [{ unts = 8 }]', {"search.method", "search.first.0.unts"}),
        (f'{RANDOM}\nlearn_from = [3, "a", "a/b", "a"]', {f"search.learn_from.{i}" for i in (0, 2, 3)}),
        (
            ROUNDS + '[3, { trials = 4, epochs = 99 }, { trials = "x", epochs = 2 }]',
            {"search.rounds.0", "search.rounds.1.epochs", "search.rounds.2.trials"},
        ),
        (
            SETS + "[3, { params = { lr = 9.0 }, epochs = 99 }]\nseeds = 0",
            {"search.sets.0", "search.sets.1.epochs", "search.sets.1.params", "search.seeds"},
        ),
    ],
)
def test_every_element_of_a_list_is_checked_beside_other_faults(search, keys):
    found = study_file_errors(BESIDE, (RANDOM, search))
    named = {line.split(" ")[1].rstrip(":") for line in found if line.startswith("study.toml:")}
    assert named >= {"study.seed", "study.require.0", "study.require.1", *keys}
    assert "study.require.2" not in named


def test_an_element_beside_ranges_with_conditions_must_be_one():
    ranges = "[5, { when = { units = 16 }, low = 0.1, high = 0.2 }, [1], { when = { units = 8 }, lo = 0.1 }]"
    found = study_file_errors((LR, ranges))
    assert [line.split(" ")[1].rstrip(":") for line in found if "space.lr" in line][:2] == ["space.lr.0", "space.lr.2"]
    assert any("space.lr.3" in line for line in found)


def test_goals_are_compared_beside_other_faults():
    a = '{ metric = "a", goal = "minimize" }'
    found = study_file_errors(('metric = "val_loss"\ngoal = "minimize"\n', f'seed = "x"\nobjectives = [3, {a}, {a}]\n'))
    keys = [line.split(" ")[1].rstrip(":") for line in found]
    assert sorted(keys) == ["study.objectives.0", "study.objectives.2.metric", "study.seed"]


def test_names_of_first_points_are_checked_in_a_space_with_faults():
    space = ("units = {", 'a.b = { low = 1, high = 3 }\ndepth = { count = "a.b", low = 1, high = 4 }\nunits = {')
    point = "{ lr = 0.01, unts = 8, a = { b = 1 }, depth_1 = 3, depth = [3] }"
    found = study_file_errors((LR, "{ low = 1.0, high = 0.1 }"), space, (RANDOM, f"{RANDOM}\nfirst = [{point}]"))
    assert [line.partition(" ")[2] for line in found] == [
        "space.lr: low must be <= high, got low = 1.0, high = 0.1",
        "search.first.0.unts: `unts` is not a parameter of [space]; did you mean `units`?",
    ]
