from hpsearch.journal import Owner
from hpsearch.records.find import evaluation_name
from hpsearch.records.stop_request import StopRequest, ask_to_stop
from tests.contracts.journal_kit import LOSS
from tests.records.conftest import Scene


def test_who_runs_it_is_asked(scene: Scene) -> None:
    holder = scene.journal.holder(scene.record.id)
    assert ask_to_stop(scene.journal, scene.record) == StopRequest("digits", holder)
    writer = scene.journal.writer(scene.lease, LOSS)
    writer.renew(after=0)
    assert writer.asked_to_stop
    writer.close()


def test_so_is_who_evaluates_it(scene: Scene) -> None:
    scene.journal.release(scene.lease)
    assert ask_to_stop(scene.journal, scene.record).document() == {"study": "digits", "asked": None}
    evaluation = scene.journal.create(evaluation_name(scene.record), {}, {}, at=0)
    lease = scene.journal.acquire(evaluation.id, Owner.current())
    assert ask_to_stop(scene.journal, scene.record).asked == scene.journal.holder(evaluation.id)
    scene.journal.release(lease)
