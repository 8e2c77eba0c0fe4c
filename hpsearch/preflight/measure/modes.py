"""Whether models are evaluated in training mode, or trained in evaluation mode: `eval()` or `train()` was forgotten."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass
class Modes:
    """Counts for models with dropout or batch norm, because for other models the mode makes no difference.

    evaluated: calls without gradients. in_training: the number of them in training mode. trained: calls of backward.
    in_evaluation: the number of them for which all calls of the model were in evaluation mode.
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
