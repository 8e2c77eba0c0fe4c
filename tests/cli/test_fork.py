"""`hpsearch run --fork NAME`: a new study that learns from a recorded one."""

from tests.cli.desk import Desk

BAYESIAN = 'method = "bayesian"\ntrials = {}\nstartup_trials = 3'


def test_a_changed_study_starts_under_a_new_name(desk: Desk) -> None:
    desk.study()
    desk.run()
    before = desk.export()
    desk.change(("high = 1.0", "high = 0.5"))
    answer = desk.run("--fork", "finer", "--json")
    assert answer.code == 0
    assert answer.data["study"] == "finer"
    assert desk.export("finer")["study"]["forked_from"] == "toy"
    assert desk.export() == before


def test_going_on_with_the_fork(desk: Desk) -> None:
    desk.study()
    desk.run()
    desk.change(("high = 1.0", "high = 0.5"))
    desk.run("--fork", "finer")
    trials = desk.export("finer")["trials"]
    desk.change(("trials = 4", "trials = 5"))
    assert desk.run("--fork", "finer", "--json").data["trials"]["complete"] == 5
    assert desk.export("finer")["trials"][:4] == trials
    desk.change(('name = "toy"', 'name = "finer"'))
    assert desk.run("--json").data["trials"]["complete"] == 5
    assert desk.trained() == (4 + 5) * 3


def test_what_the_old_study_found_reaches_the_sampler(desk: Desk) -> None:
    """Its five trials count as startup trials, so the fork's first proposal is made by the surrogate."""
    desk.study(BAYESIAN.format(5))
    desk.run()
    desk.run("--fork", "second")
    old, new = desk.export()["trials"], desk.export("second")["trials"]
    assert old[0]["origin"].startswith("random")
    assert new[0]["origin"].startswith("tpe")
    assert new[0]["params"] != old[0]["params"]


def test_a_fork_of_nothing(desk: Desk) -> None:
    desk.study()
    answer = desk.run("--fork", "new")
    assert (answer.code, desk.files()) == (2, [])
    assert answer.err == 'no study "toy" is recorded that --fork could start from\n'
    desk.run("--set", 'study.name="other"')
    assert desk.run("--fork", "new").err == answer.err


def test_names_that_a_fork_cannot_have(desk: Desk) -> None:
    desk.study()
    desk.run()
    desk.run("--set", 'study.name="other"')
    for name, message in (
        ("toy", '--fork must name a new study, got "toy", the name in the file'),
        ("other", 'study "other" is there already and is no fork of "toy": name another'),
        ("../up", 'must not hold "/"'),
    ):
        answer = desk.run("--fork", name)
        assert answer.code == 2
        assert message in answer.err
    assert desk.trained() == 24


def test_where_to_look_names_the_fork(desk: Desk) -> None:
    more = '[journal]\nurl = "sqlite:///elsewhere.db"\n'
    desk.study(more=more)
    assert " show study.toml " in desk.run().out
    answer = desk.run("--fork", "new")
    (line,) = [line for line in answer.out.splitlines() if line.startswith("  best ")]
    _, _, *words = line.split()
    assert desk.hp(*words).out.startswith("new, trial ")
