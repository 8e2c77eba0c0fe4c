import pytest
import torch
from torch import Tensor, nn, optim

from trainers.kit.models import MlpSettings, mlp
from trainers.kit.regularization import Regularizer, Settings

MLP = MlpSettings(hidden=4, activation="prelu", batch_norm=True)


def network(dtype: torch.dtype = torch.float64) -> nn.Module:
    torch.manual_seed(1)
    return mlp(3, 2, MLP).to(dtype)


def batch(dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(6, 3, generator=torch.Generator().manual_seed(0), dtype=dtype)


def backward(model: nn.Module) -> None:
    model.zero_grad()
    torch.autograd.backward(model(batch()).square().mean())


def added(settings: Settings, decoupled: bool = False) -> dict[str, Tensor]:
    """What a regularizer adds to each gradient."""
    model = network()
    backward(model)
    before = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    Regularizer(settings, model, decoupled)(optim.SGD(model.parameters(), 0.1))
    return {name: weight.grad - before[name] for name, weight in model.named_parameters()}


def penalty(model: nn.Module, l1: float, l2: float) -> Tensor:
    """As it stands in the books: on the weights of layers, not on biases, norms and slopes."""
    weights = [layer.weight for layer in model.modules() if isinstance(layer, nn.Linear)]
    return sum((l1 * w.abs().sum() + l2 / 2 * w.square().sum() for w in weights), start=torch.zeros(()))


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.3), (0.2, 0.0), (0.2, 0.3)], ids=["L2", "L1", "elastic net"])
def test_penalties_are_the_slope_of_their_formula_by_finite_differences(l1, l2):
    extra = added(Settings(weight_decay=l2, l1=l1))
    model, step = network(), 1e-6
    for name, weight in model.named_parameters():
        flat = weight.data.view(-1)
        for place in range(flat.numel()):
            here = flat[place].item()
            flat[place] = here + step
            up = penalty(model, l1, l2).item()
            flat[place] = here - step
            down = penalty(model, l1, l2).item()
            flat[place] = here
            # The penalty is quadratic between its kinks, so its central difference is exact but for rounding.
            assert extra[name].view(-1)[place].item() == pytest.approx((up - down) / (2 * step), abs=1e-7), name


def test_biases_norms_and_slopes_are_let_be():
    extra = added(Settings(weight_decay=1.0, l1=1.0))
    model = network()
    linear = {id(layer.weight) for layer in model.modules() if isinstance(layer, nn.Linear)}
    touched = {name for name, change in extra.items() if (change != 0).any()}
    assert touched == {name for name, weight in model.named_parameters() if id(weight) in linear}
    assert len(touched) == 2 < len(extra) == 7


def stepped(make, decoupled: bool | None, settings: Settings) -> dict[str, Tensor]:
    """Weights after three steps; decoupled None: without a regularizer."""
    model = network()
    optimizer = make(model)
    regularize = Regularizer(settings, model, decoupled) if decoupled is not None else lambda _: None
    for _ in range(3):
        backward(model)
        regularize(optimizer)
        optimizer.step()
    return {name: weight.detach() for name, weight in model.named_parameters()}


def groups(model: nn.Module, decay: float) -> list[dict[str, object]]:
    weights = list(model.parameters())
    return [
        {"params": [w for w in weights if w.ndim > 1], "weight_decay": decay},
        {"params": [w for w in weights if w.ndim == 1], "weight_decay": 0.0},
    ]


@pytest.mark.parametrize(
    ("decoupled", "ours", "theirs"),
    [
        (False, lambda p: optim.Adam(p, 0.1), lambda g: optim.Adam(g, 0.1)),
        (False, lambda p: optim.SGD(p, 0.1, momentum=0.9), lambda g: optim.SGD(g, 0.1, momentum=0.9)),
        (False, lambda p: optim.RMSprop(p, 0.1), lambda g: optim.RMSprop(g, 0.1)),
        (True, lambda p: optim.Adam(p, 0.1, fused=True), lambda g: optim.AdamW(g, 0.1)),
    ],
    ids=["adam", "momentum", "rmsprop", "adamw"],
)
def test_weight_decay_is_torchs_own_coupled_and_decoupled(decoupled, ours, theirs):
    found = stepped(lambda m: ours(m.parameters()), decoupled, Settings(weight_decay=0.05))
    expected = stepped(lambda m: theirs(groups(m, 0.05)), None, Settings())
    assert all(torch.allclose(found[name], expected[name], rtol=1e-9) for name in expected)


def test_coupled_and_decoupled_are_the_same_with_plain_sgd_and_not_with_adam():
    def both(make):
        return [stepped(make, decoupled, Settings(weight_decay=0.05)) for decoupled in (False, True)]

    coupled, decoupled = both(lambda m: optim.SGD(m.parameters(), 0.1))
    assert all(torch.allclose(coupled[name], decoupled[name]) for name in coupled)
    coupled, decoupled = both(lambda m: optim.Adam(m.parameters(), 0.1))
    assert not torch.allclose(coupled["output.weight"], decoupled["output.weight"])


def test_decoupled_decay_shrinks_by_the_rate_that_the_schedule_has_set():
    model = network()
    before = model.output.weight.detach().clone()
    optimizer = optim.SGD(model.parameters(), 0.1)
    optimizer.param_groups[0]["lr"] = 0.5
    Regularizer(Settings(weight_decay=0.2), model, decoupled=True)(optimizer)
    assert torch.allclose(model.output.weight, before * 0.9)


def norm(model: nn.Module) -> float:
    return nn.utils.get_total_norm([weight.grad for weight in model.parameters()]).item()


@pytest.mark.parametrize("most", [0.01, 100.0])
def test_clipping_by_norm_scales_all_gradients_alike(most):
    model, whole = network(), network()
    for one in (model, whole):
        backward(one)
    Regularizer(Settings(clip_norm=most), model, decoupled=False)(optim.SGD(model.parameters(), 0.1))
    assert norm(model) == pytest.approx(min(most, norm(whole)), rel=1e-4)
    scale = norm(model) / norm(whole)
    assert torch.allclose(model.output.weight.grad, whole.output.weight.grad * scale)


def test_clipping_by_value_cuts_each_off_and_comes_before_the_penalties():
    model = network()
    backward(model)
    before = model.output.weight.grad.clone()
    Regularizer(Settings(clip_value=0.01, l1=1.0), model, decoupled=False)(optim.SGD(model.parameters(), 0.1))
    expected = before.clamp(-0.01, 0.01) + model.output.weight.sign()
    assert torch.allclose(model.output.weight.grad, expected)


def test_a_weight_without_a_gradient_is_penalised_all_the_same():
    model = network()
    Regularizer(Settings(l1=0.5), model, decoupled=False)(optim.SGD(model.parameters(), 0.1))
    assert torch.equal(model.output.weight.grad, 0.5 * model.output.weight.sign())
