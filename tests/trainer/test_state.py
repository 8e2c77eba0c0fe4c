"""What of a trial goes into a checkpoint, and that it comes back: tracked objects, and every random state."""

import random
import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.errors import TrainerError
from hpsearch.trainer import state
from tests.support.toys import Lambda, Weight

OWNER = "study/3"


def content(step: int) -> bytes:
    return state.pack(state.take_snapshot(OWNER, step, 0.5, {"weight": Weight()}))


class TestSnapshot:
    def test_comes_back_as_it_was(self) -> None:
        weight = Weight()
        weight.value = 2.5
        snapshot = state.unpack(state.pack(state.take_snapshot(OWNER, 4, float("inf"), {"weight": weight})))
        assert (snapshot.owner, snapshot.step, snapshot.best) == (OWNER, 4, float("inf"))
        assert snapshot.object_state("weight") == {"value": 2.5}

    def test_a_state_dict_that_cannot_be_written_is_named(self) -> None:
        with pytest.raises(state.NotSerializable, match=r"run\.track\(schedule=…\): .* \['function'\] is a function"):
            state.pack(state.take_snapshot(OWNER, 1, 0.0, {"schedule": Lambda()}))

    def test_an_object_that_is_not_in_it_is_named(self) -> None:
        snapshot = state.unpack(content(4))
        with pytest.raises(TrainerError, match=r"run\.track\(model=…\): the checkpoint of epoch 4 has \['weight'\]"):
            snapshot.object_state("model")

    @pytest.mark.parametrize("tracked", [["weight"], ["weight", "more"]])
    def test_everything_in_it_must_be_restored(self, tracked: list[str]) -> None:
        state.unpack(content(4)).check_can_be_continued(tracked)

    @pytest.mark.parametrize("tracked", [[], ["more"]])
    def test_what_is_left_in_it_is_named(self, tracked: list[str]) -> None:
        with pytest.raises(TrainerError, match="epoch 4 has weight, which the trainer has not passed"):
            state.unpack(content(4)).check_can_be_continued(tracked)

    @given(cut=st.integers(0, 3000))
    def test_no_beginning_of_one_is_one(self, cut: int) -> None:
        whole = content(1)
        with pytest.raises(Exception):  # noqa: B017, PT011 -- whatever torch raises
            state.unpack(whole[: min(cut, len(whole) - 1)])


def shuffled() -> dict[str, Any]:
    """Something drawn from every global generator."""
    return {
        "python": random.random(),
        "gauss": random.gauss(0, 1),
        "numpy": float(np.random.normal()),  # noqa: NPY002 -- the state that is to be restored
        "torch": torch.rand(1).item(),
    }


class TestRandomStates:
    def test_an_earlier_version_wrote_the_numbers_of_a_generator_as_a_list(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(state, "_with_words", lambda random, _: random)
            found = state.pack(state.take_snapshot(OWNER, 1, 0.0, {"weight": Weight()}))
        drawn = shuffled()
        state.set_random_state(state.unpack(found).random)
        assert shuffled() == drawn

    def test_a_seed_fixes_all(self) -> None:
        state.seed_everything(5)
        first = shuffled()
        state.seed_everything(5)
        assert shuffled() == first

    def test_torch_is_seeded_as_by_its_own_function(self) -> None:
        state.seed_everything(5)
        first = torch.rand(3)
        torch.manual_seed(5)
        assert torch.equal(torch.rand(3), first)

    def test_come_back_through_a_file(self) -> None:
        state.seed_everything(5)
        shuffled()
        snapshot = state.unpack(state.pack(state.take_snapshot(OWNER, 1, 0.0, {})))
        then = [shuffled() for _ in range(3)]
        state.seed_everything(6)
        state.set_random_state(snapshot.random)
        assert [shuffled() for _ in range(3)] == then

    def test_nothing_is_imported_for_them(self) -> None:
        code = """
            import sys
            from hpsearch.trainer import state
            state.seed_everything(1)
            state.set_random_state(state.random_state())
            assert not {"numpy", "torch"} & set(sys.modules)
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)

    def test_a_state_without_a_library_that_is_there_is_taken(self) -> None:
        now = state.random_state()
        state.set_random_state({"python": now["python"]})


def stored(thing: Any) -> Any:
    """The object's state, once it has been in a file."""
    return state.unpack(state.pack(state.take_snapshot(OWNER, 1, 0.0, {"it": thing}))).object_state("it")


def trained(model: torch.nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(4, 2)).square().sum().backward()
        optimizer.step()
        schedule.step()


class TestTracked:
    """A state is restored into an object that has changed since, or that was made anew."""

    @pytest.fixture(params=["the same object", "a new one"])
    def anew(self, request: pytest.FixtureRequest) -> bool:
        return bool(request.param == "a new one")

    def test_torch_objects(self, anew: bool) -> None:
        def made() -> tuple[torch.nn.Linear, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
            model = torch.nn.Linear(2, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 2)

        things = made()
        trained(*things)
        kept = [stored(thing) for thing in things]
        trained(*things)
        after = [{name: value.clone() for name, value in things[0].state_dict().items()}, things[2].last_epoch]
        then = made() if anew else things
        for thing, own in zip(then, kept, strict=True):
            state.check_can_be_tracked("it", thing)
            state.restore(thing, own)
        assert torch.equal(then[0].weight, kept[0]["weight"])
        assert not torch.equal(then[0].weight, after[0]["weight"])
        assert (then[2].last_epoch, then[1].param_groups[0]["lr"]) == (3, pytest.approx(0.001))
        trained(*then)
        assert torch.equal(then[0].weight, after[0]["weight"]), "momentum and schedule go on too"
        assert then[2].last_epoch == after[1]

    @pytest.mark.parametrize(
        ("made", "draw"),
        [
            (torch.Generator, lambda generator: torch.rand(3, generator=generator).tolist()),
            (np.random.default_rng, lambda generator: generator.normal(size=3).tolist()),
        ],
        ids=["torch", "numpy"],
    )
    def test_generators(self, made: Any, draw: Any, anew: bool) -> None:
        generator = made()
        draw(generator)
        kept = stored(generator)
        then = draw(generator)
        other = made() if anew else generator
        draw(other)
        state.check_can_be_tracked("it", other)
        state.restore(other, kept)
        assert draw(other) == then

    def test_an_object_with_methods_of_its_own(self, anew: bool) -> None:
        weight = Weight()
        weight.value = 2.5
        kept = stored(weight)
        weight.value = 7.0
        other = Weight() if anew else weight
        state.check_can_be_tracked("it", other)
        state.restore(other, kept)
        assert other.value == 2.5

    def test_a_frozen_state_is_its_own(self) -> None:
        model = torch.nn.Linear(2, 1)
        snapshot = state.cloned(state.take_snapshot(OWNER, 1, 0.0, {"model": model}))
        before = model.weight.detach().clone()
        with torch.no_grad():
            model.weight.add_(1.0)
        assert torch.equal(snapshot.object_state("model")["weight"], before)

    @pytest.mark.parametrize("thing", [3, [1.0], random.Random(), object()], ids=lambda thing: type(thing).__name__)
    def test_what_may_not(self, thing: Any) -> None:
        with pytest.raises(TrainerError, match=rf"run\.track\(it=…\): a {type(thing).__name__} has neither"):
            state.check_can_be_tracked("it", thing)
