"""Whether models are evaluated in training mode, or trained in evaluation mode: `eval()` or `train()` was forgotten."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass
class Modes:
    """Of models with dropout or batch norm: for all others the mode makes no difference.

    evaluated, in_training: calls without gradients, and those of them in training mode. trained, in_evaluation: calls
    of backward, and those of them whose only calls of the model were in evaluation mode.
    """

    evaluated: int = 0
    in_training: int = 0
    trained: int = 0
    in_evaluation: int = 0
    _since: set[bool] = field(default_factory=set)

    def called(self, model: "nn.Module", with_gradients: bool) -> None:
        differing = [one for one in model.modules() if _differs(one)]
        if not differing:
            return
        training = any(one.training for one in differing)
        if with_gradients:
            self._since.add(training or model.training)
        else:
            self.evaluated += 1
            self.in_training += training

    def backward(self) -> None:
        if self._since:
            self.trained += 1
            self.in_evaluation += self._since == {False}
        self._since.clear()


def _differs(module: "nn.Module") -> bool:
    kind = type(module).__name__
    shares = (vars(module).get(name) for name in ("p", "dropout"))  # of dropout layers; of attention and recurrent ones
    if any(isinstance(share, float) and share > 0 for share in shares):
        return True
    return "BatchNorm" in kind and bool(getattr(module, "track_running_stats", False))
