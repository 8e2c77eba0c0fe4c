from hpsearch.journal import Owner
from hpsearch.records.find import evaluation_name
from hpsearch.records.stop_request import StopRequest, ask_to_stop
from tests.contracts.journal_helpers import LOSS
from tests.records.conftest import Scenario


def test_who_runs_it_is_asked(scenario: Scenario) -> None:
    holder = scenario.journal.holder(scenario.record.id)
    assert ask_to_stop(scenario.journal, scenario.record) == StopRequest("digits", holder)
    writer = scenario.journal.writer(scenario.lease, LOSS)
    writer.renew(after=0)
    assert writer.asked_to_stop
    writer.close()


def test_so_is_who_evaluates_it(scenario: Scenario) -> None:
    scenario.journal.release(scenario.lease)
    assert ask_to_stop(scenario.journal, scenario.record).document() == {"study": "digits", "asked": None}
    evaluation = scenario.journal.create(evaluation_name(scenario.record), {}, {}, at=0)
    lease = scenario.journal.acquire(evaluation.id, Owner.current())
    assert ask_to_stop(scenario.journal, scenario.record).asked == scenario.journal.holder(evaluation.id)
    scenario.journal.release(lease)
