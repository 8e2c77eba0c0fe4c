"""Snapshot ensembles: the weights at the end of each cycle of a training, at no further cost."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from torch import Tensor, nn


class Snapshots:
    """The weights of the `most` newest snapshots, oldest first.

    They are tracked, so pauses and kills lose none; a checkpoint grows by one network for each.
    """

    def __init__(self, most: int):
        self._most = most
        self._kept: list[dict[str, Tensor]] = []

    def keep(self, network: nn.Module) -> None:
        weights = {name: weight.detach().clone() for name, weight in network.state_dict().items()}
        self._kept = [*self._kept, weights][-self._most :]

    def networks(self, like: nn.Module) -> Iterator[nn.Module]:
        """Each as a separate network, on the device of `like`."""
        for weights in self._kept:
            network = deepcopy(like)
            network.load_state_dict(weights)
            yield network

    def state_dict(self) -> dict[str, Any]:
        return {"kept": list(self._kept)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._kept = list(state["kept"])
