"""`[study] trial_seeds`: which seeds the trials of a study train with, and that a recorded study keeps its rule."""

import pytest

from hpsearch.core.seeds import trial_seed
from tests.cli.cli_runner import CliRunner
from tests.journal import old_journals

DIFFERENT = ("--set", 'study.trial_seeds="different"')


def seeds(cli: CliRunner, study: str = "toy") -> list[int]:
    return [trial["seed"] for trial in cli.export(study)["trials"]]


def test_all_trials_train_with_the_seed_of_the_study(cli: CliRunner) -> None:
    cli.study()
    assert cli.run("--set", "study.seed=5").code == 0
    assert set(seeds(cli)) == {5}
    assert len(seeds(cli)) > 1


def test_with_different_seeds_each_has_its_own(cli: CliRunner) -> None:
    cli.study()
    assert cli.run("--set", "study.seed=5", *DIFFERENT).code == 0
    assert seeds(cli) == [trial_seed(5, number) for number in range(len(seeds(cli)))]


def test_repeated_parameters_have_other_seeds(cli: CliRunner) -> None:
    cli.study('method = "list"\nseeds = 3\nsets = [{ params = { x = 0.25 } }, { params = { x = 0.5 } }]')
    assert cli.run("--set", "study.seed=5").code == 0
    each = [5, trial_seed(5, 1), trial_seed(5, 2)]
    found = [(trial["params"]["x"], trial["seed"]) for trial in cli.export()["trials"]]
    assert sorted(found) == sorted((x, seed) for x in (0.25, 0.5) for seed in each)


def test_a_trial_is_reproduced_with_its_seed(cli: CliRunner) -> None:
    cli.study()
    assert cli.run().code == 0
    assert cli.invoke("reproduce", "study.toml", 1).code == 0


@pytest.mark.parametrize(("first", "then"), [((), DIFFERENT), (DIFFERENT, ("--set", 'study.trial_seeds="same"'))])
def test_the_rule_of_a_recorded_study_does_not_change(
    cli: CliRunner, first: tuple[str, ...], then: tuple[str, ...]
) -> None:
    cli.study()
    assert cli.run(*first).code == 0
    answer = cli.run(*then)
    assert answer.code == 2
    assert answer.changed == {"study.trial_seeds"}


def test_a_study_with_different_seeds_keeps_them_without_the_key_in_its_file(cli: CliRunner) -> None:
    cli.study()
    assert cli.run("--set", "study.seed=5", *DIFFERENT).code == 0
    before = len(seeds(cli))
    assert cli.run("--set", "study.seed=5", "--set", f"search.trials={before + 2}").code == 0
    assert seeds(cli) == [trial_seed(5, number) for number in range(before + 2)]


class TestAJournalOfAnEarlierVersion:
    @pytest.fixture(autouse=True, params=old_journals.VERSIONS)
    def upgraded(self, request: pytest.FixtureRequest, cli: CliRunner) -> None:
        old_journals.lay_down(request.param, cli.folder)
        assert cli.invoke("db", "upgrade").code == 0

    def test_continues_with_different_seeds(self, cli: CliRunner) -> None:
        before = seeds(cli, "veteran")
        assert cli.invoke("run", "veteran.toml", "--set", 'tracking.mlflow="none"').code == 0
        after = seeds(cli, "veteran")
        assert len(after) > len(before)
        assert after == [trial_seed(11, number) for number in range(len(after))]

    def test_refuses_the_other_rule(self, cli: CliRunner) -> None:
        answer = cli.invoke("run", "veteran.toml", "--set", 'study.trial_seeds="same"')
        assert answer.code == 2
        assert answer.changed == {"study.trial_seeds"}

    def test_its_trials_are_reproduced(self, cli: CliRunner) -> None:
        assert cli.invoke("reproduce", "sprint.toml", 0).code == 0

    def test_its_fork_is_a_new_study(self, cli: CliRunner) -> None:
        offline = ("--set", 'tracking.mlflow="none"')
        assert cli.invoke("run", "sprint.toml", "--fork", "again", *offline).code == 0
        assert set(seeds(cli, "again")) == {cli.export("again")["study"]["spec"]["study"]["seed"]}
        assert cli.invoke("run", "sprint.toml", "--fork", "again", *offline).code == 0
