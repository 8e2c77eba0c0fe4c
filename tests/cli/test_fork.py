"""`hpsearch run --fork NAME`: a new study that learns from a recorded one."""

from tests.cli.cli_runner import CliRunner

BAYESIAN = 'method = "bayesian"\ntrials = {}\nstartup_trials = 3'


def test_a_changed_study_starts_under_a_new_name(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    before = cli.export()
    cli.change(("high = 1.0", "high = 0.5"))
    answer = cli.run("--fork", "finer", "--json")
    assert answer.code == 0
    assert answer.data["study"] == "finer"
    assert cli.export("finer")["study"]["forked_from"] == "toy"
    assert cli.export() == before


def test_a_fork_without_a_name(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    assert cli.run("--fork", "").code == 2
    assert cli.trained() == 4 * 3


def test_going_on_with_the_fork(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    cli.change(("high = 1.0", "high = 0.5"))
    cli.run("--fork", "finer")
    trials = cli.export("finer")["trials"]
    cli.change(("trials = 4", "trials = 5"))
    assert cli.run("--fork", "finer", "--json").data["trials"]["complete"] == 5
    assert cli.export("finer")["trials"][:4] == trials
    cli.change(('name = "toy"', 'name = "finer"'))
    assert cli.run("--json").data["trials"]["complete"] == 5
    assert cli.trained() == (4 + 5) * 3


def test_the_sampler_gets_the_trials_of_the_old_study(cli: CliRunner) -> None:
    """Its five trials count as startup trials, so the fork's first proposal is made by the surrogate."""
    cli.study(BAYESIAN.format(5))
    cli.run()
    cli.run("--fork", "second")
    old, new = cli.export()["trials"], cli.export("second")["trials"]
    assert old[0]["origin"].startswith("random")
    assert new[0]["origin"].startswith("tpe")
    assert new[0]["params"] != old[0]["params"]


def test_a_fork_of_nothing(cli: CliRunner) -> None:
    cli.study()
    answer = cli.run("--fork", "new")
    assert (answer.is_refused, cli.files()) == (True, [])
    assert answer.err == 'no study "toy" is recorded, so there is nothing to fork\n'
    cli.run("--set", 'study.name="other"')
    assert cli.run("--fork", "new").err == answer.err


def test_names_that_a_fork_cannot_have(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    cli.run("--set", 'study.name="other"')
    for name, message in (
        ("toy", 'a fork needs a new name, got "toy", the name of its origin'),
        ("other", 'study "other" already exists and is not a fork of "toy": choose another name'),
        ("../up", 'must not contain "/"'),
    ):
        answer = cli.run("--fork", name)
        assert answer.code == 2
        assert message in answer.err
    assert cli.trained() == 24


def test_where_to_look_names_the_fork(cli: CliRunner) -> None:
    more = '[journal]\nurl = "sqlite:///elsewhere.db"\n'
    cli.study(more=more)
    assert " show study.toml " in cli.run().out
    answer = cli.run("--fork", "new")
    (line,) = [line for line in answer.out.splitlines() if line.startswith("  best ")]
    _, _, *words = line.split()
    assert cli.invoke(*words).out.startswith("new, trial ")


def test_a_fork_with_a_parameter_added(cli: CliRunner) -> None:
    """Its trials count at the value that the code had before; without `was` the run says that none is used."""
    cli.study(BAYESIAN.format(5))
    cli.run()
    cli.change(("x = {", "y = { low = 0.0, high = 1.0 }\nx = {"))
    assert "no value of `y`" in cli.run("--fork", "unknown").err
    assert cli.export("unknown")["trials"][0]["origin"].startswith("random")
    cli.change(("y = { low = 0.0, high = 1.0 }", "y = { low = 0.0, high = 1.0, was = 0.0 }"))
    cli.run("--fork", "known")
    exported = cli.export("known")
    assert exported["trials"][0]["origin"].startswith("tpe")
    (source,) = exported["evidence"]
    assert (source["source"], source["trials"], source["left_out"]) == ('study "toy"', 5, [])
    assert source == cli.invoke("status", "known", "--json").data["evidence"][0]
