"""`hpsearch evaluate`, against what a person works out by hand from the curves that were recorded."""

import os
import re
import shlex
import shutil
import sys
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

import pytest

from hpsearch import Session, Study
from hpsearch.journal import Journal, Owner
from hpsearch.orchestrator import run
from hpsearch.trainer import state
from hpsearch.workers.checkpoints import CheckpointStore
from tests.cli.cli_runner import CliResult, CliRunner

TRAINER = "tests.cli.predictors:train"


def ready(cli: CliRunner, options: str = "", trials: int = 6, **more: Any) -> CliRunner:
    """A study that has been run."""
    cli.study(f'method = "random"\ntrials = {trials}', trainer=TRAINER, options=options, **more)
    assert cli.run("-q").code == 0
    return cli


def evaluate(cli: CliRunner, *words: object) -> CliResult:
    return cli.invoke("evaluate", "study.toml", "-q", *words)


def weight(trial: dict[str, Any]) -> float:
    """Of the model at the epoch by which the trial is judged."""
    return float(trial["curve"][trial["best_epoch"] - 1]["weight"])


def openings(cli: CliRunner) -> list[str]:
    return [one["reason"] for one in cli.export()["decisions"] if one["kind"] == "open test"]


def contender(data: dict[str, Any], name: str) -> dict[str, Any]:
    return next(dict(one) for one in data["test"]["contenders"] if one["name"] == name)


# What it comes to ────────────────────────────────────────────────────────────────────────────────


def test_finalists_are_the_best_trials_and_are_ranked_by_fresh_seeds(cli: CliRunner) -> None:
    data = evaluate(ready(cli), "--top", 2, "--seeds", 3, "--json").data
    best = sorted(cli.export()["trials"], key=lambda trial: trial["value"])[:2]
    again = cli.export("toy evaluation")["trials"]
    assert {one["trial"] for one in data["finalists"]} == {trial["number"] for trial in best}
    assert [one["mean"] for one in data["finalists"]] == sorted(one["mean"] for one in data["finalists"])
    for one in data["finalists"]:
        values = [trial["value"] for trial in again if trial["params"] == one["params"]]
        assert one["values"] == values
        assert (one["mean"], one["sd"]) == pytest.approx((fmean(values), stdev(values)))
        assert one["margin"] == pytest.approx(4.3027 * stdev(values) / 3**0.5, rel=1e-4)
        assert one["optimism"] == pytest.approx(one["mean"] - one["found"])


def test_no_seed_is_one_of_the_searchs(cli: CliRunner) -> None:
    evaluate(ready(cli))
    searched, again = ([trial["seed"] for trial in cli.export(name)["trials"]] for name in ("toy", "toy evaluation"))
    assert len(set(again)) == len(again) == 15
    assert not set(again) & set(searched)


def test_scores_on_the_test_set_are_those_of_the_weights(cli: CliRunner) -> None:
    data = evaluate(ready(cli), "--json").data
    winner = data["finalists"][0]
    again = {trial["number"]: trial for trial in cli.export("toy evaluation")["trials"]}
    weights = [weight(again[number]) for number in winner["trainings"]]
    searched = sorted(cli.export()["trials"], key=lambda trial: trial["value"])[:3]

    single = contender(data, "single")
    assert single["values"] == pytest.approx([(one + 1) ** 2 for one in weights])
    assert (single["mean"], single["gain"]) == (pytest.approx(fmean(single["values"])), 0.0)
    assert single["validation"] == pytest.approx(winner["mean"])
    assert single["scores"] == {"loss": pytest.approx(single["mean"]), "size": 3.0}
    assert contender(data, "seeds")["mean"] == pytest.approx((fmean(weights) + 1) ** 2)
    assert contender(data, "seeds")["gain"] == pytest.approx(single["mean"] - (fmean(weights) + 1) ** 2)
    assert contender(data, "top")["mean"] == pytest.approx((fmean(map(weight, searched)) + 1) ** 2)
    assert {one["name"] for one in data["test"]["contenders"]} == {"single", "seeds", "top", "greedy"}


def test_the_greedy_ensemble_is_the_best_on_validation(cli: CliRunner) -> None:
    """Weights of both signs: a mean of two may have a loss of nearly nothing, and no model alone has."""
    data = evaluate(ready(cli, space="x = { low = -0.3, high = 0.3 }", trials=8), "--top", 8, "--json").data
    greedy = contender(data, "greedy")
    assert data["test"]["best_on_validation"] == "greedy"
    assert greedy["validation"] <= min(one["validation"] for one in data["test"]["contenders"])
    assert all(name.split()[0] in ("trial", "seed") for name in greedy["models"][0])


def test_snapshots_and_augmentation_stand_beside_where_the_trainer_has_them(cli: CliRunner) -> None:
    data = evaluate(ready(cli, "cycles = 2, tta = true"), "--json").data
    errors = [one**0.5 for one in contender(data, "single")["values"]]
    assert contender(data, "snapshots")["values"] == pytest.approx([(one / 10) ** 2 for one in errors])
    assert contender(data, "augmented")["values"] == pytest.approx([(one / 2) ** 2 for one in errors])


def test_the_screen(cli: CliRunner) -> None:
    answer = evaluate(ready(cli))
    lines, data = answer.out.splitlines(), evaluate(cli, "--json").data
    assert (answer.code, data["searched"]) == (0, 6)
    assert [line.split()[0] for line in lines[3:6]] == [str(one["trial"]) for one in data["finalists"]]
    assert [len(one["values"]) for one in data["finalists"]] == [5, 5, 5]
    assert sum(line.startswith("* ") for line in lines) == 2, "the best on validation, and the meaning of the star"
    assert cli.invoke(*shlex.split(lines[-1].partition("hpsearch ")[2])).code == 0


def test_one_seed_of_one_finalist_has_no_spread(cli: CliRunner) -> None:
    answer = evaluate(ready(cli), "--top", 1, "--seeds", 1)
    assert "±" not in answer.out.splitlines()[3]
    data = evaluate(cli, "--json").data
    (only,) = data["finalists"]
    assert (data["searched"], len(only["values"])) == (6, 1)
    assert (only["sd"], only["margin"], only["corrected"]) == (None, None, only["mean"])
    assert {one["name"] for one in data["test"]["contenders"]} == {"single", "greedy"}


def test_judged_at_the_last_epoch_the_last_model_is_tested(cli: CliRunner) -> None:
    cli.study('method = "random"\ntrials = 3', trainer=TRAINER)
    cli.change(("seed = 3", 'seed = 3\nat = "last"'))
    assert cli.run("-q").code == 0
    data = evaluate(cli, "--json").data
    again = {trial["number"]: trial for trial in cli.export("toy evaluation")["trials"]}
    weights = [again[number]["curve"][-1]["weight"] for number in data["finalists"][0]["trainings"]]
    assert contender(data, "single")["values"] == pytest.approx([(one + 1) ** 2 for one in weights])
    assert data["left_out"] == []


def test_epochs_that_take_no_time_leave_the_model_that_counts(cli: CliRunner) -> None:
    """Early stopping ends them, and a worker that had gone on meanwhile would have found a better model."""
    data = evaluate(ready(cli, epochs=60, more="[early_stopping]\npatience = 2\n"), "--json").data
    trials = cli.export("toy evaluation")["trials"]
    assert all(len(trial["curve"]) < 60 for trial in trials), "stopped early"
    assert [len(models) for models in contender(data, "seeds")["models"]] == [5]
    assert not [one for one in data["left_out"] if one.startswith("seed")]


def test_finalists_are_trained_as_far_as_the_search_has_seen_them(cli: CliRunner) -> None:
    rounds = '"coarse-to-fine"\nrounds = [ { trials = 4, epochs = 1 }, { trials = 1, epochs = 3 } ]'
    cli.study(f"method = {rounds}", trainer=TRAINER)
    assert cli.run("-q").code == 0
    evaluate(cli, "--top", 4, "--seeds", 1)
    found = {tuple(trial["params"].items()): len(trial["curve"]) for trial in cli.export()["trials"]}
    again = {tuple(trial["params"].items()): len(trial["curve"]) for trial in cli.export("toy evaluation")["trials"]}
    assert sorted(found.values()) == [1, 1, 1, 3]
    assert again == found


@pytest.mark.xdist_group("ray")
@pytest.mark.slow
def test_on_ray_the_result_is_the_same_and_in_mlflow(cli: CliRunner) -> None:
    here = evaluate(ready(cli), "--json").data
    shutil.rmtree(cli.folder / ".hpsearch")
    cli.change(('address = "none"', "workers = 2"), ('[tracking]\nmlflow = "none"\n', ""))
    assert cli.ended(cli.start("run", "study.toml", "-q")).code == 0
    answer = cli.ended(cli.start("evaluate", "study.toml", "--json"))
    assert answer.code == 0, answer.err
    assert sorted(one["found"] for one in answer.data["finalists"]) == sorted(one["found"] for one in here["finalists"])
    assert contender(answer.data, "single")["mean"] > 1.0
    names = {path.name for path in (cli.folder / ".hpsearch" / "mlartifacts").rglob("*.json")}
    assert "test_1.json" in names


# Once ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_test_set_is_opened_once_and_then_the_record_is_shown(cli: CliRunner) -> None:
    first = evaluate(ready(cli), "--json").data
    lines = cli.trained()
    second = cli.invoke("evaluate", "toy", "--json").data
    assert second == {**first, "on_record": True}
    assert cli.trained() == lines, "nothing was trained, and no data was looked at"
    assert len(openings(cli)) == len(first["openings"]) == 1
    assert first["test"]["opening"] == 1
    assert "--again" in cli.invoke("evaluate", "toy").out


@pytest.mark.slow
def test_of_several_at_once_one_opens_it(cli: CliRunner) -> None:
    ready(cli)
    answers = [cli.ended(process) for process in [cli.start("evaluate", "toy", "--json") for _ in range(3)]]
    assert {answer.code for answer in answers} <= {0, 4}
    assert len(openings(cli)) == 1
    assert len(cli.export("toy evaluation")["trials"]) == 15


def test_again_is_on_record_and_said(cli: CliRunner) -> None:
    first = evaluate(ready(cli), "--json").data
    answer = evaluate(cli, "--again")
    assert " 2nd " in answer.out
    assert [one.split()[0] for one in openings(cli)] == ["1st", "2nd"]
    last = cli.invoke("evaluate", "toy", "--json").data
    assert last["test"]["opening"] == 2
    assert last["test"]["contenders"] == first["test"]["contenders"]
    measured = cli.export()["measured"]
    assert (measured["test_1"]["test"]["opening"], measured["test_2"]["test"]["opening"]) == (1, 2)


def test_more_seeds_and_finalists_train_only_what_is_not_trained_yet(cli: CliRunner) -> None:
    evaluate(ready(cli), "--top", 2, "--seeds", 2)
    assert len(cli.export("toy evaluation")["trials"]) == 4
    before = cli.export("toy evaluation")["trials"]
    data = evaluate(cli, "--top", 3, "--seeds", 3, "--again", "--json").data
    trials = cli.export("toy evaluation")["trials"]
    assert trials[:4] == before
    assert len(trials) == 9
    assert [len(one["values"]) for one in data["finalists"]] == [3, 3, 3]


def test_a_recorded_evaluation_of_an_extended_search(cli: CliRunner) -> None:
    evaluate(ready(cli))
    cli.change(("trials = 6", "trials = 8"))
    assert cli.run().code == 0
    assert evaluate(cli, "--json").data["trials_since"] == 2


# What cannot be done ─────────────────────────────────────────────────────────────────────────────


def test_a_trainer_that_predicts_nothing_is_ranked_and_the_test_set_stays_closed(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    answer = evaluate(cli, "--seeds", 2)
    assert answer.code == 0
    assert all(name in answer.out for name in ("tests.cli.trainers", "`predict`", "`score`"))
    assert openings(cli) == []
    assert evaluate(cli, "--seeds", 2, "--json").data["test"] is None
    assert len(cli.export("toy evaluation")["trials"]) == 6


def test_a_study_that_is_being_run(cli: CliRunner) -> None:
    ready(cli)
    with Journal.open(f"sqlite:///{cli.folder / '.hpsearch' / 'journal.db'}") as journal:
        record = journal.find("toy")
        assert record is not None
        lease = journal.acquire(record.id, Owner.current())
        answer = evaluate(cli)
        journal.release(lease)
    assert answer.code == 4
    assert answer.names('"toy"', f"process {os.getpid()} ")
    assert evaluate(cli).code == 0


def test_a_study_without_a_value(cli: CliRunner) -> None:
    cli.study(trainer="tests.cli.trainers:exploding", options="limit = -1.0")
    assert cli.run().code == 3, "all of them diverge"
    answer = evaluate(cli)
    assert answer.code == 3
    assert 'study "toy" has no trial with a value yet, so there is no finalist' in answer.err
    assert [study["study"] for study in cli.invoke("status", "--json").data] == ["toy"], "nothing was begun"


def test_a_study_without_a_trainer_is_refused_first(cli: CliRunner) -> None:
    sections = {
        "study": {"name": "asked", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"epochs": 1},
        "space": {"x": {"low": 0.0, "high": 1.0}},
        "search": {"method": "random", "trials": 1},
        "tracking": {"mlflow": "none"},
    }
    with Session(Study.from_dict(sections, folder=cli.folder)) as session:
        while trial := session.ask():
            session.report(trial, 1, {"val_loss": 1.0})
            session.finish(trial)
    answer = cli.invoke("evaluate", "asked")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert [study["study"] for study in cli.invoke("status", "--json").data] == ["asked"], "nothing was begun"


def test_no_such_study(cli: CliRunner) -> None:
    ready(cli)
    answer = cli.invoke("evaluate", "toi")
    assert answer.code == 2
    assert answer.names("`toy`")


def test_a_file_that_is_another_by_now(cli: CliRunner) -> None:
    ready(cli)
    cli.change(("high = 1.0", "high = 2.0"))
    answer = evaluate(cli)
    assert answer.code == 2
    assert answer.changed == {"space.x.high"}
    assert cli.invoke("evaluate", "toy", "-q").code == 0, "by its name it is what was recorded"


@pytest.mark.parametrize("study", ["study.toml", "toy"])
def test_a_trainer_whose_code_is_another_by_now(cli: CliRunner, study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    file = cli.folder / "edited_predictor.py"
    file.write_text("from tests.cli.predictors import predict, score, train\nSHIFT = 1\n")
    cli.study(trainer="edited_predictor:train")
    assert cli.run("-q").code == 0
    trained = cli.trained()
    file.write_text(file.read_text().replace("= 1", "= 2"))
    answer = cli.invoke("evaluate", study, "-q")
    assert (answer.code, openings(cli), cli.trained()) == (2, [], trained)
    assert answer.names("edited_predictor, line 2", "`SHIFT = 2`", "--accept-changes")
    words = ("--top", 1, "--seeds", 1, "-q", "--json")
    first = cli.invoke("evaluate", study, *words, "--accept-changes")
    assert (first.code, len(openings(cli))) == (0, 1)
    assert cli.invoke("evaluate", study, *words).data["test"] == first.data["test"], "what is recorded is only shown"
    assert cli.invoke("evaluate", study, *words, "--again").code == 2
    sys.modules.pop("edited_predictor", None)


def store_of(cli: CliRunner, number: int) -> CheckpointStore:
    uid = cli.export()["study"]["uid"]
    return CheckpointStore.of(cli.folder / ".hpsearch" / "studies" / f"toy-{uid[:8]}", uid, number)


def test_a_snapshot_of_another_epoch_is_left_out_and_said(cli: CliRunner) -> None:
    ready(cli)
    best = min(cli.export()["trials"], key=lambda trial: trial["value"])
    store = store_of(cli, best["number"])
    snapshot = store.read("best.pt")
    assert snapshot is not None
    other = best["best_epoch"] % 3 + 1
    store.write_best(state.pack(replace(snapshot, step=other)))
    data = evaluate(cli, "--json").data
    (left_out,) = data["left_out"]
    assert left_out.startswith(f"trial {best['number']}: best.pt ")
    assert re.findall(r"epoch (\d)", left_out) == [str(other), str(best["best_epoch"])]
    used = {name for one in data["test"]["contenders"] for models in one["models"] for name in models}
    assert f"trial {best['number']}" not in used
    assert len(contender(data, "top")["models"][0]) == 2


def test_models_of_finalists_that_stayed_on_other_nodes(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(cli)
    trained = run.run_study

    def elsewhere(*arguments: Any, **options: Any) -> Any:
        result = trained(*arguments, **options)
        (work,) = (cli.folder / ".hpsearch" / "studies").glob("toy evaluation-*")
        for path in [*work.rglob("best.pt")][:2]:
            path.unlink()
        return result

    monkeypatch.setattr("hpsearch.evaluation.evaluate.run_study", elsewhere)
    answer = evaluate(cli, "--top", 2, "--seeds", 2)
    assert (answer.code, openings(cli)) == (5, [])
    assert answer.names("2 of 4 models", "HPSEARCH_HOME")


def test_a_checkpoint_that_is_gone_or_damaged_is_left_out(cli: CliRunner) -> None:
    ready(cli)
    first, second = sorted(cli.export()["trials"], key=lambda trial: trial["value"])[:2]
    for path in store_of(cli, first["number"]).folder.glob("best*"):
        path.unlink()
    (store_of(cli, second["number"]).folder / "best.pt").write_bytes(b"no checkpoint")
    left_out = evaluate(cli, "--json").data["left_out"]
    assert [one.partition(":")[0] for one in left_out] == [f"trial {one['number']}" for one in (first, second)]
    assert "SHA-256" not in left_out[0]
    assert "SHA-256" in left_out[1]
