"""Minibatches of any form: tensors, or nested tuples, lists and mappings of tensors."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor

BatchFilter = Callable[[Iterable[Any]], Iterable[Any]]
"""Replaces the batches that a trainer trains on."""

TARGETS = ("y", "label", "labels", "target", "targets")
"""Keys of targets, in a batch that is a mapping."""


def unchanged(batches: Iterable[Any]) -> Iterable[Any]:
    return batches


def rows(batch: Any) -> int:
    """The number of examples: the common length of all tensors; 0 if the lengths differ or there are no tensors."""
    lengths = {len(leaf) if leaf.dim() else 0 for leaf in leaves(batch)}
    return lengths.pop() if len(lengths) == 1 else 0


def leaves(batch: Any) -> Iterator["Tensor"]:
    """The tensors of a batch, in order."""
    if _is_tensor(batch):
        yield batch
    elif isinstance(batch, Mapping | list | tuple):
        for _, part in _items(batch):
            yield from leaves(part)


def changed(batch: Any, change: Callable[["Tensor"], "Tensor"]) -> Any:
    """The batch with every tensor replaced by change(tensor); other objects are kept."""
    if _is_tensor(batch):
        return change(batch)
    if isinstance(batch, Mapping | list | tuple):
        return _made_of({name: changed(part, change) for name, part in _items(batch)}, batch)
    return batch


def copied(batch: Any) -> Any:
    """A copy of the batch and its tensors, because a trainer may change them in place."""
    return changed(batch, lambda tensor: tensor.clone())


def cut(batch: Any, most: int) -> Any:
    """The first `most` examples of a batch whose `rows` is known."""
    return changed(batch, lambda tensor: tensor[:most])


# Batch filters ───────────────────────────────────────────────────────────────────────────────────


class RepeatedBatches:
    """Repeats the first minibatches, with at least `enough` examples, forever.

    most: the most examples. After the call, `rows` is the number of examples (0 if they cannot be counted), `batches`
    the number of minibatches, and `conflicting` the result of the function of this name for a single minibatch.
    """

    def __init__(self, enough: int = 16, most: int | None = None):
        self._enough, self._most = enough, most
        self.rows = self.batches = 0
        self.conflicting: tuple[int, ...] = ()

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        kept = self._first(batches)
        self.batches = len(kept)
        self.conflicting = conflicting(kept[0]) if len(kept) == 1 else ()
        while kept:
            for batch in kept:
                yield copied(batch)

    def _first(self, batches: Iterable[Any]) -> list[Any]:
        kept: list[Any] = []
        self.rows = 0
        for batch in batches:
            left = None if self._most is None else self._most - self.rows
            size = rows(batch)
            kept.append(cut(copied(batch), left) if size and left is not None else copied(batch))
            self.rows += min(size, left) if left is not None else size
            if self.rows >= min(self._enough, self._most or self._enough) or not size or len(kept) == self._enough:
                break
        return kept


class ShuffledTargets:
    """All batches, with the targets permuted among the examples.

    An example gets the target of another example in its batch. It keeps this target in later epochs, so that it can be
    memorised like the original one. Examples are identified by a fingerprint of their inputs.

    possible: targets were found and permuted in every batch.
    """

    def __init__(self, seed: int):
        import torch

        self._draws = torch.Generator().manual_seed(seed)
        self._given: dict[float, Tensor] = {}
        self._done, self._unknown = 0, 0

    @property
    def possible(self) -> bool:
        return self._done > 0 and self._unknown == 0

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            yield self._shuffled(batch)

    def _shuffled(self, batch: Any) -> Any:
        place = targets_place(batch)
        if place is None:
            self._unknown += 1
            return batch
        inputs = next(leaf for name, part in _items(batch) if name != place for leaf in leaves(part))
        others = self._others(fingerprints(inputs), batch[place])
        return _made_of({**dict(_items(batch)), place: others}, batch)

    def _others(self, marks: list[float], targets: "Tensor") -> "Tensor":
        """The permuted targets. A batch of one example, such as the last of an epoch, keeps its target, unless this
        example got another target before."""
        import torch

        here = targets.cpu()
        if len(marks) > 1:
            self._done += 1
            for mark, other in zip(marks, here[_derangement(len(marks), self._draws)], strict=True):
                self._given.setdefault(mark, other)
        found = [self._given.get(mark, own) for mark, own in zip(marks, here, strict=True)]
        return torch.stack(found).to(targets.device)


def targets_place(batch: Any) -> Any:
    """The index or key of a batch's targets: the second of a pair, or a key in TARGETS. None if it is unknown."""
    if isinstance(batch, Mapping):
        names = [name for name in batch if str(name).lower() in TARGETS]
        place = names[0] if len(names) == 1 and len(batch) > 1 else None
    else:
        place = 1 if isinstance(batch, list | tuple) and len(batch) == 2 else None
    if place is None or rows(batch) == 0 or not _is_tensor(batch[place]):
        return None
    return (
        place if any(name != place and next(leaves(part), None) is not None for name, part in _items(batch)) else None
    )


def conflicting(batch: Any) -> tuple[int, ...]:
    """The places of examples that have the same inputs as another example but a different target. Empty if the targets
    are unknown."""
    place = targets_place(batch)
    if place is None:
        return ()
    inputs = next(leaf for name, part in _items(batch) if name != place for leaf in leaves(part))
    marks, targets = fingerprints(inputs), batch[place].reshape(len(inputs), -1).tolist()
    seen: dict[float, list[Any]] = {}
    for mark, target in zip(marks, targets, strict=True):
        seen.setdefault(mark, []).append(target)
    return tuple(at for at, mark in enumerate(marks) if any(one != seen[mark][0] for one in seen[mark]))


def fingerprints(inputs: "Tensor") -> list[float]:
    """A number for each example, very likely unique: (n, …) -> n."""
    import torch

    flat = inputs.reshape(len(inputs), -1).double()
    weights = torch.arange(1, flat.shape[1] + 1, device=flat.device, dtype=torch.float64).sqrt()
    return [float(f"{mark:.10g}") for mark in (flat * weights).sum(1).tolist()]


def _items(batch: Any) -> Iterable[tuple[Any, Any]]:
    return batch.items() if isinstance(batch, Mapping) else enumerate(batch)


def _made_of(parts: dict[Any, Any], like: Any) -> Any:
    """A batch like `like`, with these parts. Their keys are those of `_items`."""
    if isinstance(like, Mapping):
        return parts
    return type(like)(*parts.values()) if hasattr(like, "_fields") else type(like)(parts.values())


def _derangement(size: int, draws: "Generator") -> "Tensor":
    """A random permutation without fixed points: a single cycle."""
    import torch

    circle = torch.randperm(size, generator=draws)
    order = torch.empty(size, dtype=torch.int64)
    order[circle] = circle.roll(1)
    return order


def _is_tensor(thing: Any) -> bool:
    import torch

    return isinstance(thing, torch.Tensor)
