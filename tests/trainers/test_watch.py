import math

import pytest
import torch
from torch import nn, optim

from trainers.kit.models import ImageSettings, images
from trainers.kit.watch import Smooth, Watch


def network() -> nn.Module:
    torch.manual_seed(0)
    return images(8, 1, 10, ImageSettings(model="cnn", filters=2, hidden=4))


def watched(model: nn.Module, lr: float = 0.1, scale: float = 1.0) -> dict[str, float]:
    watch, optimizer = Watch(model), optim.SGD(model.parameters(), lr)
    torch.autograd.backward(model(torch.ones(4, 1, 8, 8)).square().mean() * scale)
    watch.before()
    optimizer.step()
    watch.after()
    return watch.metrics()


def norm(tensors: list[torch.Tensor]) -> float:
    return math.sqrt(sum(tensor.double().square().sum().item() for tensor in tensors))


def test_it_says_what_one_would_compute_by_hand():
    model = network()
    before = [weight.detach().clone() for weight in model.parameters()]
    found = watched(model)
    after = [weight.detach() for weight in model.parameters()]
    grads = {name: weight.grad for name, weight in model.named_parameters()}
    assert found["grad_norm"] == pytest.approx(norm(list(grads.values())))
    for layer in ("block1", "block2", "hidden1", "output"):
        own = [grad for name, grad in grads.items() if name.startswith(f"{layer}.")]
        assert found[f"grad_norm/{layer}"] == pytest.approx(norm(own))
    assert found["weight_norm"] == pytest.approx(norm(after))
    step = norm([new - old for new, old in zip(after, before, strict=True)])
    assert found["update_ratio"] == pytest.approx(step / norm(after), rel=1e-4)
    assert step == pytest.approx(0.1 * found["grad_norm"], rel=1e-4)


def test_layers_are_named_from_the_input_to_the_output_and_make_up_the_whole():
    found = watched(network())
    layers = [name for name in found if name.startswith("grad_norm/")]
    assert layers == ["grad_norm/block1", "grad_norm/block2", "grad_norm/hidden1", "grad_norm/output"]
    assert math.hypot(*(found[name] for name in layers)) == pytest.approx(found["grad_norm"])


def test_weights_without_a_gradient_count_as_zero_and_frozen_ones_not_at_all():
    model = network()
    model.block1.requires_grad_(False)
    found = watched(model)
    assert "grad_norm/block1" not in found
    model = network()
    watch = Watch(model)
    watch.before()
    watch.after()
    assert watch.metrics()["grad_norm"] == 0
    assert watch.metrics()["update_ratio"] == 0


def test_a_training_that_has_diverged_is_shown_as_it_is():
    found = watched(network(), scale=math.inf)
    assert not math.isfinite(found["grad_norm"])
    assert not math.isfinite(found["weight_norm"])


def test_weights_that_are_all_zero_are_no_division_by_zero():
    model = network()
    for weight in model.parameters():
        nn.init.zeros_(weight)
    assert watched(model)["update_ratio"] == 0


# The moving average ──────────────────────────────────────────────────────────────────────────────


def test_the_moving_average_is_its_formula_without_a_pull_to_zero():
    losses = [2.0, 1.0, 4.0, 3.0]
    weights = [0.9**age for age in (3, 2, 1, 0)]
    expected = sum(w * loss for w, loss in zip(weights, losses, strict=True)) / sum(weights)
    assert Smooth(0.9).add(losses) == pytest.approx(expected)
    assert Smooth(0.9).add([2.0]) == pytest.approx(2.0)
    assert Smooth(0.0).add(losses) == 3.0


def test_the_moving_average_goes_on_over_epochs_and_from_its_state():
    whole, parts, again = Smooth(0.9), Smooth(0.9), Smooth(0.9)
    expected = whole.add([2.0, 1.0, 4.0, 3.0])
    parts.add([2.0, 1.0])
    again.load_state_dict(parts.state_dict())
    assert parts.add([4.0, 3.0]) == expected
    assert again.add([4.0, 3.0]) == expected


def test_the_moving_average_is_less_noisy_than_what_it_averages():
    noisy = (1 + torch.randn(50, 20, generator=torch.Generator().manual_seed(0))).tolist()
    smooth = Smooth(0.98)
    averages = torch.tensor([smooth.add(epoch) for epoch in noisy])
    means = torch.tensor([sum(epoch) / 20 for epoch in noisy])
    assert averages[5:].std() < 0.7 * means[5:].std()
