"""Networks, built from parameters that a study file can search.

Their parts have names, from the input to the output: gradient norms are reported for each part.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

from torch import Tensor, nn
from torch.nn.functional import relu

from hpsearch import Infeasible
from trainers.kit import layers
from trainers.kit.ranges import Conditions, NonNegativeInt, PositiveInt

Parts = Iterator[tuple[str, nn.Module]]


@dataclass(frozen=True)
class MlpSettings(layers.Settings):
    """hidden, hidden_layers: units of each hidden layer, and number of hidden layers; 0 is a linear model.

    widths: the units of each hidden layer separately, such as "128-64"; "" is `hidden` for all.
    """

    WHEN: ClassVar[Conditions] = {
        "hidden": {"hidden_layers": "nonzero", "widths": "zero"},
        "hidden_layers": {"widths": "zero"},
        "activation": [{"hidden_layers": "nonzero"}, {"widths": "nonzero"}, {"init": ("kaiming",)}],
        "dropout": [{"hidden_layers": "nonzero"}, {"widths": "nonzero"}],
        "batch_norm": [{"hidden_layers": "nonzero"}, {"widths": "nonzero"}],
    }

    hidden: PositiveInt = 64
    hidden_layers: NonNegativeInt = 1
    widths: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        hidden_widths(self)


@dataclass(frozen=True)
class TableSettings(MlpSettings):
    """model: "linear" (linear or, with a loss of logits, logistic regression: the baseline to beat) or "mlp"."""

    WHEN: ClassVar[Conditions] = {
        "hidden": {"model": ("mlp",), "hidden_layers": "nonzero", "widths": "zero"},
        "hidden_layers": {"model": ("mlp",), "widths": "zero"},
        "widths": {"model": ("mlp",)},
        "activation": [
            {"model": ("mlp",), "hidden_layers": "nonzero"},
            {"model": ("mlp",), "widths": "nonzero"},
            {"init": ("kaiming",)},
        ],
        "dropout": [{"model": ("mlp",), "hidden_layers": "nonzero"}, {"model": ("mlp",), "widths": "nonzero"}],
        "batch_norm": [{"model": ("mlp",), "hidden_layers": "nonzero"}, {"model": ("mlp",), "widths": "nonzero"}],
    }

    model: Literal["linear", "mlp"] = "mlp"


@dataclass(frozen=True)
class ImageSettings(MlpSettings):
    """model: "linear" (logistic regression, the baseline to beat), "mlp", "cnn" or "resnet".

    The CNN: blocks of convolution, activation and pooling, then the MLP's hidden layers. `filters` in the first block,
    twice as many in each further block, or `filter_counts` for each block, such as "6-10". kernel and stride of the
    convolutions; padding "same" keeps the sides, "none" shortens them by kernel - 1; pooling halves them.
    The ResNet: `filters` in the first of three stages, `blocks` residual blocks in each; 6·blocks + 2 layers (He et
    al. 2016, arXiv 1512.03385, section 4.2). Dropout is before its output.
    """

    WHEN: ClassVar[Conditions] = {
        "hidden": {"model": ("mlp", "cnn"), "hidden_layers": "nonzero", "widths": "zero"},
        "hidden_layers": {"model": ("mlp", "cnn"), "widths": "zero"},
        "widths": {"model": ("mlp", "cnn")},
        "activation": [
            {"model": ("cnn",)},
            {"model": ("mlp",), "hidden_layers": "nonzero"},
            {"model": ("mlp",), "widths": "nonzero"},
            {"init": ("kaiming",)},
        ],
        "dropout": [
            {"model": ("resnet",)},
            {"model": ("mlp", "cnn"), "hidden_layers": "nonzero"},
            {"model": ("mlp", "cnn"), "widths": "nonzero"},
        ],
        "batch_norm": [
            {"model": ("cnn",)},
            {"model": ("mlp",), "hidden_layers": "nonzero"},
            {"model": ("mlp",), "widths": "nonzero"},
        ],
        "filters": [{"model": ("resnet",)}, {"model": ("cnn",), "filter_counts": "zero"}],
        "blocks": [{"model": ("resnet",)}, {"model": ("cnn",), "filter_counts": "zero"}],
        "filter_counts": {"model": ("cnn",)},
        "kernel": {"model": ("cnn",)},
        "padding": {"model": ("cnn",)},
        "stride": {"model": ("cnn",)},
        "pooling": {"model": ("cnn",)},
    }

    model: Literal["linear", "mlp", "cnn", "resnet"] = "cnn"
    filters: PositiveInt = 16
    filter_counts: str = ""
    blocks: PositiveInt = 2
    kernel: PositiveInt = 3
    padding: Literal["same", "none"] = "same"
    stride: PositiveInt = 1
    pooling: Literal["max", "average", "none"] = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        block_filters(self)


def hidden_widths(params: MlpSettings) -> list[int]:
    """The units of each hidden layer. ValueError for wrong `widths`."""
    return _counts(params.widths, 'widths must be units of hidden layers such as "128-64"') or (
        [params.hidden] * params.hidden_layers
    )


def block_filters(params: ImageSettings) -> list[int]:
    """The filters of each of the CNN's blocks. ValueError for wrong `filter_counts`."""
    return _counts(params.filter_counts, 'filter_counts must be filters of blocks such as "6-10"') or (
        [params.filters * 2**block for block in range(params.blocks)]
    )


def _counts(text: str, rule: str) -> list[int]:
    """The numbers of a text such as "128-64"; none of an empty one."""
    words = text.split("-") if text else []
    if not all(word.isdigit() and int(word) > 0 for word in words):
        raise ValueError(f"{rule}, got {text!r}")
    return [int(word) for word in words]


def linear(inputs: int, outputs: int, params: layers.Settings) -> nn.Module:
    """(batch, …inputs) -> (batch, outputs): linear regression; with a loss of logits, logistic regression."""
    return layers.initialized(params, _network(_head(inputs, outputs, [], params)))


def mlp(inputs: int, outputs: int, params: MlpSettings) -> nn.Module:
    """Hidden layers of linear, batch norm, activation and dropout; (batch, …inputs) -> (batch, outputs)."""
    return layers.initialized(params, _network(_head(inputs, outputs, hidden_widths(params), params)))


def table(inputs: int, outputs: int, params: TableSettings) -> nn.Module:
    """The network that `params.model` names; (batch, inputs) -> (batch, outputs)."""
    return linear(inputs, outputs, params) if params.model == "linear" else mlp(inputs, outputs, params)


def images(side: int, channels: int, outputs: int, params: ImageSettings) -> nn.Module:
    """The network that `params.model` names; (batch, channels, side, side) -> (batch, outputs). Infeasible where the
    blocks of a CNN leave nothing of the image."""
    match params.model:
        case "linear":
            return linear(channels * side**2, outputs, params)
        case "mlp":
            return mlp(channels * side**2, outputs, params)
        case "cnn":
            return layers.initialized(params, _network(_cnn(side, channels, outputs, params)))
        case "resnet":
            return layers.initialized(params, _network(_resnet(channels, outputs, params)))


def _network(parts: Parts) -> nn.Module:
    return nn.Sequential(OrderedDict(parts))


def _head(inputs: int, outputs: int, widths: list[int], params: layers.Settings) -> Parts:
    yield "flatten", nn.Flatten()
    for number, (before, after) in enumerate(pairwise([inputs, *widths]), start=1):
        parts = [layers.activation(params), *layers.dropout(params)]
        yield f"hidden{number}", nn.Sequential(nn.Linear(before, after), *layers.norm(params, after), *parts)
    yield "output", nn.Linear([inputs, *widths][-1], outputs)


def _cnn(side: int, channels: int, outputs: int, params: ImageSettings) -> Parts:
    filters = block_filters(params)
    left = side
    for number, (before, after) in enumerate(pairwise([channels, *filters]), start=1):
        left = _side_after(left, params)
        if left < 1:
            said = f"filter_counts = {params.filter_counts!r}" if params.filter_counts else f"blocks = {params.blocks}"
            raise Infeasible(f"{said} are too many for {side} x {side} pixels: at most {number - 1}")
        yield f"block{number}", nn.Sequential(*_block(before, after, params))
    yield from _head(filters[-1] * left**2, outputs, hidden_widths(params), params)


def _block(before: int, after: int, params: ImageSettings) -> Iterator[nn.Module]:
    yield nn.Conv2d(before, after, params.kernel, params.stride, padding=_padding(params))
    if params.batch_norm:
        yield nn.BatchNorm2d(after)
    yield layers.activation(params)
    if params.pooling != "none":
        yield nn.MaxPool2d(2) if params.pooling == "max" else nn.AvgPool2d(2)


def _padding(params: ImageSettings) -> int:
    """Pixels of 0 at each end of a side."""
    return params.kernel // 2 if params.padding == "same" else 0


def _side_after(side: int, params: ImageSettings) -> int:
    """Pixels along a side after one block; 0 or less if the block does not fit."""
    convolved = (side + 2 * _padding(params) - params.kernel) // params.stride + 1
    return convolved if params.pooling == "none" else convolved // 2


def _resnet(channels: int, outputs: int, params: ImageSettings) -> Parts:
    filters = params.filters
    yield (
        "stem",
        nn.Sequential(nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()),
    )
    for number, (before, after) in enumerate(
        [(filters, filters), (filters, 2 * filters), (2 * filters, 4 * filters)], 1
    ):
        first = Residual(before, after, stride=1 if number == 1 else 2)
        yield f"stage{number}", nn.Sequential(first, *(Residual(after, after) for _ in range(params.blocks - 1)))
    yield "pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *layers.dropout(params))
    yield "output", nn.Linear(4 * filters, outputs)


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm, added to the input; if the shape changes, to its 1x1 convolution."""

    def __init__(self, before: int, after: int, stride: int = 1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        same = before == after and stride == 1
        self.shortcut: nn.Module = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, inputs: Tensor) -> Tensor:
        return relu(self.body(inputs) + self.shortcut(inputs))
