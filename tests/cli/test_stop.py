"""`hpsearch stop`, while a real run goes on and while none does."""

import platform

from tests.cli.cli_runner import CliRunner


def test_stop_ends_a_run_and_the_next_run_resumes(cli: CliRunner) -> None:
    cli.study('method = "random"\ntrials = 4', epochs=40, options="pace = 0.01")
    gate = cli.folder / "gate"
    gate.write_text("2")
    process = cli.start("run", "study.toml")
    cli.wait_for(lambda: cli.trained() == 2, process)
    asked = cli.invoke("stop", "toy", "--json")
    assert asked.data == {"study": "toy", "asked": f"process {process.pid} on {platform.node()}"}
    gate.unlink()
    answer = cli.ended(process)
    assert answer.code == 0
    assert "`hpsearch stop`" in answer.out.splitlines()[0]
    study = cli.export()["study"]
    assert (study["state"], study["cause"]) == ("STOPPED", "interrupted")
    assert {trial["state"] for trial in cli.export()["trials"]} <= {"WAITING", "COMPLETE"}
    trained = cli.trained()
    assert trained < 160
    assert cli.run().code == 0
    assert cli.trained() == 160


def test_stop_of_a_study_that_is_not_running(cli: CliRunner) -> None:
    cli.study()
    cli.run()
    assert cli.invoke("stop", "toy", "--json").data == {"study": "toy", "asked": None}
    assert cli.invoke("stop", "toy").out == "toy: not running\n"
    assert cli.run().code == 0, "the next run does not heed it"
