"""Minibatches of any shape: tensors, or tuples, lists and mappings of them, to any depth."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor

Feed = Callable[[Iterable[Any]], Iterable[Any]]
"""What a trainer is given to train on in place of its batches."""

TARGETS = ("y", "label", "labels", "target", "targets")
"""What a mapping calls its targets."""


def as_given(batches: Iterable[Any]) -> Iterable[Any]:
    return batches


def rows(batch: Any) -> int:
    """How many examples: the first length that all its tensors have; 0 where they do not agree or there are none."""
    lengths = {len(leaf) if leaf.dim() else 0 for leaf in leaves(batch)}
    return lengths.pop() if len(lengths) == 1 else 0


def leaves(batch: Any) -> Iterator["Tensor"]:
    """Its tensors, in order."""
    if _is_tensor(batch):
        yield batch
    elif isinstance(batch, Mapping | list | tuple):
        for _, part in _items(batch):
            yield from leaves(part)


def changed(batch: Any, change: Callable[["Tensor"], "Tensor"]) -> Any:
    """The batch with every tensor changed; what is none stays."""
    if _is_tensor(batch):
        return change(batch)
    if isinstance(batch, Mapping | list | tuple):
        return _made_of({name: changed(part, change) for name, part in _items(batch)}, batch)
    return batch


def copied(batch: Any) -> Any:
    """With tensors of its own: a trainer may change them in place."""
    return changed(batch, lambda tensor: tensor.clone())


def cut(batch: Any, most: int) -> Any:
    """Its first examples. For a batch whose `rows` are known."""
    return changed(batch, lambda tensor: tensor[:most])


# Feeds ───────────────────────────────────────────────────────────────────────────────────────────


class Tiny:
    """The first minibatches, at least `enough` examples of them, over and over again without end.

    most: so many examples of them at most. Afterwards `rows` says how many there were, 0 where nobody can count them.
    """

    def __init__(self, enough: int = 16, most: int | None = None):
        self._enough, self._most = enough, most
        self.rows = 0

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        kept = self._first(batches)
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


class Shuffled:
    """All batches as they come, with each example's target given to another one: the first time that an example comes,
    the target of one beside it in its batch, and from then on the same, so that it can be learned by heart as well as
    the right one. Examples are known by a fingerprint of their inputs.

    possible: targets were given to others, and were found in every batch.
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
        """Of a single example, mostly the last of an epoch, the right one, unless it has another already."""
        import torch

        here = targets.cpu()
        if len(marks) > 1:
            self._done += 1
            for mark, other in zip(marks, here[_derangement(len(marks), self._draws)], strict=True):
                self._given.setdefault(mark, other)
        found = [self._given.get(mark, own) for mark, own in zip(marks, here, strict=True)]
        return torch.stack(found).to(targets.device)


def targets_place(batch: Any) -> Any:
    """The index or the key of a batch's targets: the last of a pair, or what is called so. None where nobody knows."""
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


def fingerprints(inputs: "Tensor") -> list[float]:
    """A number for each example that hardly any other has: (n, …) -> n."""
    import torch

    flat = inputs.reshape(len(inputs), -1).double()
    weights = torch.arange(1, flat.shape[1] + 1, device=flat.device, dtype=torch.float64).sqrt()
    return [float(f"{mark:.10g}") for mark in (flat * weights).sum(1).tolist()]


def _items(batch: Any) -> Iterable[tuple[Any, Any]]:
    return batch.items() if isinstance(batch, Mapping) else enumerate(batch)


def _made_of(parts: dict[Any, Any], like: Any) -> Any:
    """A batch of the same kind with other parts, by the names that `_items` gives."""
    if isinstance(like, Mapping):
        return parts
    return type(like)(*parts.values()) if hasattr(like, "_fields") else type(like)(parts.values())


def _derangement(size: int, draws: "Generator") -> "Tensor":
    """An order in which nobody stays in place: one long cycle through all, in random order."""
    import torch

    circle = torch.randperm(size, generator=draws)
    order = torch.empty(size, dtype=torch.int64)
    order[circle] = circle.roll(1)
    return order


def _is_tensor(thing: Any) -> bool:
    import torch

    return isinstance(thing, torch.Tensor)
