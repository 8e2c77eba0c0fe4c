"""The state from which a trial resumes exactly: its tracked objects and all random number generators."""

import importlib
import io
import pickle
import random
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.trainer import plain_state


class NotResumable(TrainerError):
    """The trainer does not resume from the checkpoint, so the trial is trained again from its first epoch."""


@dataclass(frozen=True)
class Snapshot:
    """A trial's state at the end of an epoch.

    owner: "study uid/trial number", so that another trial's checkpoint is not loaded.
    best: the loss (smaller is better) at the best epoch so far.
    random: the states of all generators; empty in a checkpoint with weights only, from which no trial resumes.
    """

    owner: str
    step: int
    best: float
    objects: Mapping[str, Any]
    random: Mapping[str, Any]

    @property
    def weights_only(self) -> bool:
        return not self.random

    def leaves_out(self, name: str, thing: Any) -> bool:
        """Whether it has no state of this tracked object, because only training needs that."""
        return self.weights_only and name not in self.objects and is_for_training(thing)

    def check_can_be_continued(self, names: Collection[str]) -> None:
        """NotResumable if the checkpoint has weights only, or an object that the trainer does not track."""
        if self.weights_only:
            raise NotResumable(f"the checkpoint of epoch {self.step} has weights only")
        if left := sorted(set(self.objects) - set(names)):
            raise NotResumable(
                f"the checkpoint of epoch {self.step} has {', '.join(left)}, which the trainer has not passed to "
                "run.track(…) before its first epoch"
            )

    def object_state(self, name: str) -> Any:
        if name not in self.objects:
            raise TrainerError(
                f"run.track({name}=…): the checkpoint of epoch {self.step} has {sorted(self.objects) or 'no objects'}; "
                "was the trainer changed since? Start again with --fork NEW_NAME (in Python: fork=NEW_NAME)"
            )
        return self.objects[name]


def take_snapshot(owner: str, step: int, best: float, tracked: Mapping[str, Any]) -> Snapshot:
    """The state of the tracked objects (tensors share memory with the training) and of all random generators."""
    return Snapshot(owner, step, best, {name: state_of(thing) for name, thing in tracked.items()}, random_state())


def take_weights(owner: str, step: int, best: float, tracked: Mapping[str, Any]) -> Snapshot:
    """As `take_snapshot`, without the state that only training needs."""
    return Snapshot(owner, step, best, weights_of(tracked), {})


def cloned(snapshot: Snapshot) -> Snapshot:
    """A copy with cloned tensors, which later training does not change."""
    return replace(snapshot, objects=plain_state.cloned(snapshot.objects))


class NotSerializable(Exception):
    """A state cannot be stored in a checkpoint, or read from one. The message has the object of run.track, the path of
    the value, and what to do."""


def pack(snapshot: Snapshot) -> bytes:
    """The content of a checkpoint file. NotSerializable if a state has values that cannot be stored."""
    import torch

    buffer = io.BytesIO()
    objects = {name: _written(name, own) for name, own in snapshot.objects.items()}
    words = _with_words(snapshot.random, lambda numbers: torch.tensor(numbers, dtype=torch.int64, device="cpu"))
    plain = replace(snapshot, objects=objects, random=words)
    try:
        torch.save({own.name: getattr(plain, own.name) for own in fields(plain)}, buffer)
    except (pickle.PicklingError, AttributeError, TypeError) as problem:  # what pickle raises
        named = ", ".join(f"{name}=…" for name in snapshot.objects)
        raise NotSerializable(
            f"run.track({named}): a state_dict has an object that cannot be saved: {problem}"
        ) from None
    return buffer.getvalue()


def _written(name: str, own: Any) -> Any:
    try:
        return plain_state.to_plain(own)
    except plain_state.NotPlain as problem:
        where = "".join(problem.path)
        raise NotSerializable(
            f"run.track({name}=…): in its state_dict(), {f'the value at {where}' if where else 'the state'} is "
            f"{problem.what}, which a checkpoint cannot hold; return it as numbers, text, lists, dictionaries, arrays "
            "or tensors, and leave out what load_state_dict does not need"
        ) from None


def unpack(content: bytes) -> Snapshot:
    """Raises torch's exceptions for bytes that are not a checkpoint or contain more than tensors and plain values."""
    import torch

    found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if set(found) != {own.name for own in fields(Snapshot)}:
        raise ValueError(f"it was written by another version of hpsearch, with {', '.join(sorted(found))}")
    objects = {name: plain_state.from_plain(own) for name, own in found["objects"].items()}
    return Snapshot(**{**found, "objects": objects, "random": _with_words(found["random"], _numbers)})


def _with_words(random: Mapping[str, Any], convert: Callable[[Any], Any]) -> dict[str, Any]:
    """The random states, with the 625 numbers of each Mersenne Twister converted. A checkpoint has them as a tensor:
    torch.save takes 2 ms for single numbers."""
    twisters = {name: random[name] for name in ("python", "numpy") if name in random}
    return {**random, **{name: [kind, convert(words), *rest] for name, (kind, words, *rest) in twisters.items()}}


def _numbers(words: Any) -> list[int]:
    """The inverse; a checkpoint of an earlier version has a list."""
    return words if isinstance(words, list) else list(words.tolist())


def check_can_be_read(content: bytes) -> None:
    """NotSerializable if the content of a new checkpoint cannot be read."""
    try:
        unpack(content)
    except Exception as problem:  # whatever torch raises
        first = str(problem).strip().partition("\n")[0]
        raise NotSerializable(f"the checkpoint of the objects in run.track(…) cannot be read: {first:.300}") from None


# The state of one tracked object ─────────────────────────────────────────────────────────────────


def check_can_be_tracked(name: str, thing: Any) -> None:
    """TrainerError if an object's state cannot be saved and restored."""
    if not (hasattr(thing, "load_state_dict") or hasattr(thing, "set_state") or hasattr(thing, "bit_generator")):
        raise TrainerError(
            f"run.track({name}=…): a {type(thing).__name__} has neither state_dict/load_state_dict nor "
            "get_state/set_state, so it cannot be put into a checkpoint: pass an object of a class that has them"
        )


def state_of(thing: Any) -> Any:
    if hasattr(thing, "state_dict"):
        return thing.state_dict()
    return thing.get_state() if hasattr(thing, "get_state") else thing.bit_generator.state


def weights_of(tracked: Mapping[str, Any]) -> dict[str, Any]:
    """The states of all objects except those that only training needs.

    An object that contains such objects has a method `weights_dict`, which leaves them out.
    """
    return {
        name: thing.weights_dict() if hasattr(thing, "weights_dict") else state_of(thing)
        for name, thing in tracked.items()
        if not is_for_training(thing)
    }


def is_for_training(thing: Any) -> bool:
    """Whether it is an optimizer, a learning-rate schedule or a gradient scaler of torch, or a random generator.

    Predictions may need an object of any other class, such as a moving average of the weights, the scale of the inputs
    or a vocabulary.
    """
    if hasattr(thing, "bit_generator"):
        return True
    for torch in _imported("torch"):
        optim = torch.optim
        kinds = (optim.Optimizer, optim.lr_scheduler.LRScheduler, torch.amp.GradScaler, torch.Generator)
        return isinstance(thing, kinds)
    return False


def untracked_parameters(tracked: Mapping[str, Any]) -> str:
    """Why a checkpoint lacks parameters that a tracked optimizer of torch updates; "" if it has all, or where an object
    of another class than torch's may have them."""
    for torch in _imported("torch"):
        owners = [thing for thing in tracked.values() if not is_for_training(thing)]
        if not all(isinstance(thing, torch.nn.Module) for thing in owners):
            return ""
        known = {id(own) for thing in owners for own in (*thing.parameters(), *thing.buffers())}
        for name, thing in tracked.items():
            groups = thing.param_groups if isinstance(thing, torch.optim.Optimizer) else ()
            own = [one for group in groups for one in group["params"] if one.requires_grad]
            if missing := sum(id(one) not in known for one in own):
                return (
                    f"run.track({name}=…): of the {len(own)} tensors that this optimizer updates, {missing} belong to "
                    "no module that is passed to run.track(…): pass the model too, and every other module that is "
                    "trained"
                )
    return ""


def restore(thing: Any, state: Any) -> None:
    if hasattr(thing, "load_state_dict"):
        thing.load_state_dict(state)
    elif hasattr(thing, "set_state"):
        thing.set_state(state)
    else:
        thing.bit_generator.state = state


# Random states ───────────────────────────────────────────────────────────────────────────────────


def seed_everything(seed: int) -> None:
    """Seed random, NumPy and torch (those that are imported), CPU and CUDA."""
    random.seed(seed)
    for numpy in _imported("numpy"):
        numpy.random.seed(seed)
    for torch in _imported("torch"):
        if torch.accelerator.current_accelerator() is None:  # torch was built without one
            torch.default_generator.manual_seed(seed)
        else:  # manual_seed records a traceback for each kind of accelerator: 5 ms in a forked process
            torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """All global random states, as plain values and tensors."""
    version, words, gauss = random.getstate()
    state: dict[str, Any] = {"python": (version, list(words), gauss)}
    for numpy in _imported("numpy"):
        kind, keys, *rest = numpy.random.get_state()
        state["numpy"] = [kind, keys.tolist(), *rest]
    for torch in _imported("torch"):
        state["torch"] = torch.get_rng_state()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    for numpy in _imported("numpy"):
        if "numpy" in state:
            kind, keys, *rest = state["numpy"]
            numpy.random.set_state((kind, numpy.array(keys, dtype=numpy.uint32), *rest))
    for torch in _imported("torch"):
        if "torch" in state:
            torch.set_rng_state(state["torch"])
        if "cuda" in state and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda"])


def _imported(name: str) -> Iterator[Any]:
    """The module, if it is imported: otherwise it has no state, and importing torch takes a second."""
    if name in sys.modules:
        yield importlib.import_module(name)  # waits for another thread, such as a sampler's, that is importing it
