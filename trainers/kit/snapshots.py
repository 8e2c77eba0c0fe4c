"""Snapshot ensembles: the weights at the ends of a training's cycles, each a network for the price of none."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from torch import Tensor, nn


class Snapshots:
    """The weights of the `most` newest that were kept, oldest first.

    They are tracked, so whoever pauses or kills a trial takes none away; a checkpoint grows by one network for each.
    """

    def __init__(self, most: int):
        self._most = most
        self._kept: list[dict[str, Tensor]] = []

    def keep(self, network: nn.Module) -> None:
        weights = {name: weight.detach().clone() for name, weight in network.state_dict().items()}
        self._kept = [*self._kept, weights][-self._most :]

    def networks(self, like: nn.Module) -> Iterator[nn.Module]:
        """Each as a network of its own, on the device of the one that they are like."""
        for weights in self._kept:
            network = deepcopy(like)
            network.load_state_dict(weights)
            yield network

    def state_dict(self) -> dict[str, Any]:
        return {"kept": list(self._kept)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._kept = list(state["kept"])
