import math

import pytest
import torch
from torch.optim import lr_scheduler

from trainers.kit import schedules
from trainers.kit.schedules import Plateau, Schedule, Settings, factor

EPOCHS = 8
TIMES = [step / 4 for step in range(4 * EPOCHS + 1)]  # four steps an epoch


def rates(settings: Settings) -> list[float]:
    """The rate at every one of TIMES; it begins at 0.8."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
    schedule = Schedule(settings, optimizer, EPOCHS)
    seen = []
    for done in TIMES:
        schedule.set(done)
        seen.append(optimizer.param_groups[0]["lr"])
    return seen


@pytest.mark.parametrize(
    ("settings", "formula"),
    [
        (Settings("constant"), lambda _: 1.0),
        (Settings("step", step_epochs=3, step_factor=0.5), lambda t: 0.5 ** (t // 3)),
        (Settings("step", step_at="2,5", step_factor=0.1), lambda t: 0.1 ** ((t >= 2) + (t >= 5))),
        (Settings("exponential", exponential_factor=0.9), lambda t: 0.9**t),
        (Settings("plateau"), lambda _: 1.0),
        (Settings("cosine"), lambda t: (1 + math.cos(math.pi * t / 8)) / 2),
        (Settings("cosine", final_factor=0.2), lambda t: 0.2 + 0.8 * (1 + math.cos(math.pi * t / 8)) / 2),
        (Settings("linear"), lambda t: 1 - t / 8),
        (Settings("linear", final_factor=0.5), lambda t: 1 - t / 16),
        (Settings("inverse-sqrt"), lambda t: 1 / math.sqrt(1 + t)),
        (Settings("restarts", restart_epochs=2), lambda t: (1 + math.cos(math.pi * (t % 2) / 2)) / 2),
        (
            Settings("restarts", restart_epochs=1, restart_growth=2),  # cycles of 1, 2, 4, 8 epochs
            lambda t: (1 + math.cos(math.pi * ((t + 1) / 2 ** math.floor(math.log2(t + 1)) - 1))) / 2,
        ),
    ],
    ids=lambda value: repr(value) if isinstance(value, Settings) else "",
)
def test_a_schedule_is_its_formula(settings, formula):
    assert rates(settings) == pytest.approx([0.8 * formula(t) for t in TIMES])


def test_a_warm_up_rises_evenly_and_the_schedule_begins_after_it():
    seen = rates(Settings("cosine", warmup=2.0, warmup_from=0.1))
    rising = [0.8 * (0.1 + 0.9 * t / 2) for t in TIMES if t < 2]
    falling = [0.4 * (1 + math.cos(math.pi * (t - 2) / 6)) for t in TIMES if t >= 2]
    assert seen == pytest.approx(rising + falling)


def test_the_inverse_square_root_is_that_of_the_time_since_the_start():
    """As in the Transformer: rising for 2 epochs, then falling with the root of all epochs that are done."""
    seen = rates(Settings("inverse-sqrt", warmup=2.0))
    assert seen[8:] == pytest.approx([0.8 * math.sqrt(2 / t) for t in TIMES[8:]])


def test_step_at_counts_from_the_start_also_with_a_warm_up():
    settings = Settings("step", step_at="3", warmup=2.0)
    assert [factor(settings, done, 8) for done in (2, 2.9, 3, 7)] == pytest.approx([1, 1, 0.1, 0.1])


@pytest.mark.parametrize("name", ["cosine", "linear"])
def test_beyond_its_epochs_a_schedule_stays_where_it_ended(name):
    assert factor(Settings(name, final_factor=0.25), 20, 8) == pytest.approx(0.25)


def test_a_warm_up_longer_than_the_training_only_rises():
    assert factor(Settings("cosine", warmup=10.0, warmup_from=0.0), 8, 8) == pytest.approx(0.8)


@pytest.mark.parametrize("at", ["a", "3,,4", "0", "-3", "2.5"])
def test_epochs_that_are_none_are_refused(at):
    with pytest.raises(ValueError, match='step_at must be epochs such as "30,60,80"'):
        Settings("step", step_at=at)


# Against torch's own, which is set once an epoch ─────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "own"),
    [
        (Settings("step", step_epochs=3), lambda o: lr_scheduler.StepLR(o, 3, 0.1)),
        (Settings("step", step_at="2,5"), lambda o: lr_scheduler.MultiStepLR(o, [2, 5], 0.1)),
        (Settings("exponential"), lambda o: lr_scheduler.ExponentialLR(o, 0.95)),
        (Settings("cosine"), lambda o: lr_scheduler.CosineAnnealingLR(o, EPOCHS)),
        (Settings("linear", final_factor=0.5), lambda o: lr_scheduler.LinearLR(o, 1.0, 0.5, EPOCHS)),
        (
            Settings("restarts", restart_epochs=2, restart_growth=2),
            lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 2),
        ),
    ],
    ids=lambda value: repr(value) if isinstance(value, Settings) else "",
)
def test_at_whole_epochs_it_is_torchs(settings, own):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
    scheduler, expected = own(optimizer), []
    for _ in range(EPOCHS):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates(settings)[: 4 * EPOCHS : 4] == pytest.approx(expected)


LOSSES = [3.0, 2.0, 2.0, 1.9999, 2.1, 2.0, 1.5, 1.6, math.nan, 1.6, 1.5, 1.49999, 0.3, 0.4, 0.4, 0.4, 0.4]


@pytest.mark.parametrize("patience", [0, 1, 2, 3])
def test_the_plateau_falls_when_torchs_does(patience):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=patience, eps=0)
    ours = Plateau(0.1, patience)
    for loss in LOSSES:
        theirs.step(loss)
        ours.observe(loss)
        assert ours.factor == pytest.approx(optimizer.param_groups[0]["lr"])
    assert ours.factor < 1


def test_a_schedule_falls_with_its_plateau_and_goes_on_from_its_state():
    def schedule() -> Schedule:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
        return Schedule(Settings("plateau", plateau_patience=1, plateau_factor=0.5), optimizer, 8)

    first, second = schedule(), schedule()
    for loss in (1.0, 2.0, 2.0, 2.0):
        first.observe(loss, train_loss=loss)
    assert first.set(4.0) == pytest.approx(0.4)
    second.load_state_dict(first.state_dict())
    for one in (first, second):
        one.observe(2.0, train_loss=2.0)
        assert one.set(5.0) == pytest.approx(0.2)


@pytest.mark.parametrize(("metric", "falls"), [("val_loss", True), ("train_loss", False)])
def test_a_plateau_is_that_of_its_metric(metric, falls):
    """The validation loss rises, and the training loss falls on."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
    schedule = Schedule(Settings("plateau", plateau_patience=1, plateau_metric=metric), optimizer, 8)
    for epoch in range(1, 6):
        schedule.observe(float(epoch), train_loss=1 / epoch)
    assert (schedule.set(5.0) < 0.8) == falls


def test_cycles_are_told_apart_far_into_a_training():
    assert schedules.in_cycle(1_000_003.5, 10, 1) == pytest.approx(0.35)
    assert schedules.in_cycle(7, 1, 2) == 0  # after cycles of 1, 2 and 4 epochs


@pytest.mark.parametrize(
    ("settings", "ends"),
    [
        (Settings("restarts", restart_epochs=3, snapshots=2), [3, 6, 9, 12]),
        (Settings("restarts", restart_epochs=3, warmup=2.0, snapshots=2), [5, 8, 11]),
        (Settings("restarts", restart_epochs=1, restart_growth=2, snapshots=2), [1, 3, 7]),
        (Settings("restarts", restart_epochs=3), []),
    ],
)
def test_cycles_that_leave_a_snapshot_end_where_the_rate_is_lowest(settings, ends):
    assert [epoch for epoch in range(1, 13) if schedules.ends_cycle(settings, epoch)] == ends
    for epoch in ends:
        assert factor(settings, epoch - 1e-6, 12) == pytest.approx(0, abs=1e-9)
        assert factor(settings, epoch, 12) == 1


def test_snapshots_of_no_cycle_are_refused():
    with pytest.raises(ValueError, match=r'snapshots are of the cycles of schedule = "restarts", got \'cosine\''):
        Settings("cosine", snapshots=3)
    with pytest.raises(ValueError, match=r"with snapshots warmup must be whole epochs, got 1\.5"):
        Settings("restarts", snapshots=3, warmup=1.5)
