"""The contract of journals: one process at a time writes to a study."""

import os

import pytest
import sqlalchemy as sa

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import LeaseLost, NotFound, StudyBusy
from hpsearch.core.trial import Report
from hpsearch.journal import Batch, Journal, Owner
from hpsearch.journal.schema import leases
from tests.contracts.journal_helpers import (
    DEAD_PID,
    LOSS,
    LeasedStudy,
    make_batch,
    make_trial,
    other_host_owner,
    other_owner,
    set_lease,
)


class LeaseContract:
    def test_a_living_holder_excludes_others_and_is_named(self, journal: Journal, leased: LeasedStudy) -> None:
        with pytest.raises(StudyBusy) as busy:
            journal.acquire(leased.study.id, other_owner())
        message = str(busy.value)
        assert f"process {os.getpid()} on {Owner.current().host}" in message
        for part in ('"study"', "renewed its lease", "--fork NEW_NAME", "run again in"):
            assert part in message

    def test_the_lease_of_a_dead_process_is_free_at_once(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        dead = journal.acquire(study.id, other_owner(pid=DEAD_PID))
        assert journal.acquire(study.id, other_owner()).token == dead.token + 1

    def test_a_reused_pid_is_another_process(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, other_owner(started="1"))
        journal.acquire(study.id, other_owner())

    def test_a_lease_of_another_machine_expires_only_after_a_long_silence(self, journal: Journal, url: str) -> None:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, other_host_owner())
        with pytest.raises(StudyBusy, match="on elsewhere"):
            journal.acquire(study.id, other_owner())
        set_lease(url, beat_wall=leases.c.beat_wall - 16)
        journal.acquire(study.id, other_owner())

    def test_a_jump_of_the_wall_clock_ends_no_lease_of_this_machine(
        self, journal: Journal, leased: LeasedStudy, url: str
    ) -> None:
        set_lease(url, beat_wall=leases.c.beat_wall - 86_400)
        with pytest.raises(StudyBusy):
            journal.acquire(leased.study.id, other_owner())
        set_lease(url, beat_boot=leases.c.beat_boot - 16)
        journal.acquire(leased.study.id, other_owner())

    def test_a_holder_of_another_pid_namespace_is_not_known_to_be_dead(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, other_owner(pid=DEAD_PID, space="pid:[1]"))
        with pytest.raises(StudyBusy):
            journal.acquire(study.id, other_owner())

    def test_a_lease_expires_after_its_own_ttl(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        journal.acquire(study.id, other_host_owner(), ttl=0.0)
        journal.acquire(study.id, other_owner())

    def test_a_released_lease_is_free(self, journal: Journal, leased: LeasedStudy) -> None:
        journal.release(leased.lease)
        assert journal.acquire(leased.study.id, other_owner()).token == leased.lease.token + 1

    def test_a_holder_may_acquire_its_lease_again(self, journal: Journal) -> None:
        study = journal.create("study", {}, {}, at=0)
        owner = Owner.current()
        first = journal.acquire(study.id, owner)
        second = journal.acquire(study.id, owner)
        with pytest.raises(LeaseLost):
            journal.renew(first)
        journal.renew(second)

    def test_the_lease_of_an_unknown_study(self, journal: Journal) -> None:
        with pytest.raises(NotFound, match="no study"):
            journal.acquire(99, Owner.current())

    def test_a_process_that_lost_its_lease_cannot_write(self, journal: Journal, leased: LeasedStudy, url: str) -> None:
        leased.writer.write(make_batch(make_trial(0, 1.0)))
        set_lease(url, beat_boot=0.0, beat_wall=0.0)
        successor = journal.acquire(leased.study.id, other_owner(host="successor"))
        late = Batch([make_trial(0, 1.0, 2.0)], [(0, Report(2, {"loss": 2.0}))], [Decision("go on", "")], "DONE")
        for _ in range(2):
            with pytest.raises(LeaseLost, match=f"process {os.getpid()} on successor .token {successor.token}"):
                leased.writer.write(late)
        for attempt in (
            journal.renew,
            lambda lease: journal.update_spec(lease, {}),
            lambda lease: journal.writer(lease, LOSS),
        ):
            with pytest.raises(LeaseLost):
                attempt(leased.lease)
        assert journal.trials(leased.study.id) == [make_trial(0, 1.0)]
        assert journal.decisions(leased.study.id) == []
        assert journal.studies()[0].state == "NEW"
        journal.renew(successor)

    def test_a_late_release_does_not_affect_the_new_holder(
        self, journal: Journal, leased: LeasedStudy, url: str
    ) -> None:
        set_lease(url, beat_boot=0.0, beat_wall=0.0)
        journal.acquire(leased.study.id, other_owner())
        journal.release(leased.lease)
        with pytest.raises(StudyBusy):
            journal.acquire(leased.study.id, other_owner())

    def test_an_expired_lease_without_a_new_holder_is_valid(
        self, journal: Journal, leased: LeasedStudy, url: str
    ) -> None:
        set_lease(url, beat_boot=0.0, beat_wall=0.0)
        leased.writer.write(Batch([make_trial(0)]))
        assert journal.trials(leased.study.id) == [make_trial(0)]

    @pytest.mark.parametrize("how", ["write", "renew"])
    def test_a_renewal_extends_the_lease(self, journal: Journal, leased: LeasedStudy, url: str, how: str) -> None:
        set_lease(url, beat_boot=0.0, beat_wall=0.0)
        if how == "write":
            leased.writer.write(Batch(decisions=[Decision("go on", "")]))
        else:
            journal.renew(leased.lease)
        with pytest.raises(StudyBusy, match=r"lease \d\d? s ago"):
            journal.acquire(leased.study.id, other_owner())

    def test_the_holder_of_a_study(self, journal: Journal, leased: LeasedStudy, url: str) -> None:
        other = journal.create("other", {}, {}, at=0)
        assert journal.holder(leased.study.id) == f"process {os.getpid()} on {Owner.current().host}"
        assert journal.holder(other.id) is None
        journal.acquire(other.id, other_owner(pid=DEAD_PID))
        assert journal.holder(other.id) is None
        set_lease(url, beat_boot=0.0)
        assert journal.holder(leased.study.id) is None
        assert journal.holder(other.id, silent=True) is None
        assert journal.holder(leased.study.id, silent=True) == f"process {os.getpid()} on {Owner.current().host}"

    def test_a_writer_renews_when_it_is_time(self, journal: Journal, url: str) -> None:
        study = journal.create("study", {}, {}, at=0)
        for ttl, renewed in ((0.0, True), (1000.0, False)):
            writer = journal.writer(journal.acquire(study.id, Owner.current(), ttl), LOSS)
            set_lease(url, beat_boot=0.0, holder=Owner.current().uid)
            writer.renew()
            with journal._database.read() as connection:
                assert (connection.execute(sa.select(leases.c.beat_boot)).scalar_one() > 0) is renewed
            writer.close()
            set_lease(url, holder=None)
