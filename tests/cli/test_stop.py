"""`hpsearch stop`, while a real run goes on and while none does."""

import platform

from tests.cli.desk import Desk


def test_a_run_that_is_asked_to_stop_ends_in_good_order_and_the_next_goes_on(desk: Desk) -> None:
    desk.study('method = "random"\ntrials = 4', epochs=40, options="pace = 0.01")
    gate = desk.folder / "gate"
    gate.write_text("2")
    process = desk.start("run", "study.toml")
    desk.wait_for(lambda: desk.trained() == 2, process)
    asked = desk.hp("stop", "toy", "--json")
    assert asked.data == {"study": "toy", "asked": f"process {process.pid} on {platform.node()}"}
    gate.unlink()
    answer = desk.ended(process)
    assert (answer.code, answer.out.splitlines()[0]) == (0, "toy: stopped (`hpsearch stop` was called)")
    assert {trial["state"] for trial in desk.export()["trials"]} <= {"WAITING", "COMPLETE"}
    trained = desk.trained()
    assert trained < 160
    assert desk.run().code == 0
    assert desk.trained() == 160


def test_where_nobody_runs_it(desk: Desk) -> None:
    desk.study()
    desk.run()
    assert desk.hp("stop", "toy", "--json").data == {"study": "toy", "asked": None}
    assert desk.hp("stop", "toy").out == "toy: nobody runs it\n"
    assert desk.run().code == 0, "the next run does not heed it"
