"""What is done on a GPU of the CUDA kind, tried on the CPU; tests that need one are left out where there is none."""

import pytest
import torch
from torch import nn, optim

from hpsearch import Run
from trainers import digits
from trainers.digits import Params
from trainers.kit.models import ImageSettings, images
from trainers.kit.speed import Settings, Speed

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU of the CUDA kind")

ALL = Settings(amp=True, channels_last=True, compiled=True)


def network() -> nn.Module:
    torch.manual_seed(0)
    return images(8, 1, 10, ImageSettings(model="cnn", filters=2, init="torch"))


def step(speed: Speed, optimizer: optim.Optimizer, model: nn.Module, scale: float = 1.0) -> torch.Tensor:
    optimizer.zero_grad()
    with speed.precision():
        outputs = speed.forward_of(model)(torch.ones(4, 1, 8, 8))
        loss = nn.functional.cross_entropy(outputs, torch.arange(4)) * scale
    speed.backward(loss, optimizer)
    speed.step(optimizer)
    return outputs


def test_on_a_cpu_all_that_is_asked_for_is_left_out():
    model, plain = network(), network()
    speed = Speed.of(ALL, "cpu")
    assert speed.forward_of(model) is model
    assert not speed.scaler.is_enabled()
    step(speed, optim.SGD(model.parameters(), 0.1), model)
    step(Speed("cpu"), optim.SGD(plain.parameters(), 0.1), plain)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), plain.parameters(), strict=True))


@pytest.mark.parametrize(("known", "half"), [(True, torch.bfloat16), (False, torch.float16)])
def test_on_cuda_it_computes_in_the_half_that_the_gpu_knows(known, half, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: known)
    made = {}
    monkeypatch.setattr(Speed, "__init__", lambda _, kind, **options: made.update(kind=kind, **options))
    Speed.of(ALL, "cuda:1")
    assert made == {"kind": "cuda", "half": half, "channels_last": True, "compiled": True}
    Speed.of(Settings(), "cuda")
    assert made == {"kind": "cuda", "half": None, "channels_last": False, "compiled": False}


def test_bfloat16_computes_in_half_and_keeps_weights_and_gradients_in_float32():
    model = network()
    outputs = step(Speed("cpu", half=torch.bfloat16), optim.SGD(model.parameters(), 0.1), model)
    assert outputs.dtype == torch.bfloat16
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert {weight.grad.dtype for weight in model.parameters() if weight.grad is not None} == {torch.float32}


def test_float16_scales_the_loss_and_gives_the_gradients_back_unscaled():
    model, plain = network(), network()
    speed = Speed("cpu", half=torch.float16)
    assert speed.scaler.is_enabled()
    assert speed.scaler.get_scale() > 1000
    step(speed, optim.SGD(model.parameters(), 0.1), model)
    step(Speed("cpu"), optim.SGD(plain.parameters(), 0.1), plain)
    for ours, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(ours.grad, theirs.grad, atol=2e-3)  # float16 has three digits


@pytest.mark.parametrize("fused", [True, False])
def test_a_step_with_an_infinite_gradient_is_left_out_and_the_scale_falls(fused):
    model, before = network(), network()
    speed = Speed("cpu", half=torch.float16)
    optimizer = optim.Adam(model.parameters(), 0.1, fused=fused)
    scale = speed.scaler.get_scale()
    step(speed, optimizer, model, scale=1e38)
    assert speed.scaler.get_scale() < scale
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before.parameters(), strict=True))


def test_channels_last_changes_the_layout_and_not_the_results():
    model, plain = network().eval(), network().eval()
    forward = Speed("cpu", channels_last=True).forward_of(model)
    inputs = torch.randn(4, 1, 8, 8)
    assert torch.allclose(forward(inputs), plain(inputs), atol=1e-6)
    convolutions = [layer.weight for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in convolutions)


def test_what_is_compiled_shares_the_models_weights_and_state(monkeypatch):
    """The compiler itself needs a C++ compiler and a minute: what is called and what is kept is tested here."""
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda model: compiled.append(model) or (lambda inputs: model(inputs)))
    model = network()
    names = set(model.state_dict())
    forward = Speed("cpu", compiled=True).forward_of(model)
    assert compiled == [model]
    assert torch.equal(forward(torch.ones(2, 1, 8, 8)), model(torch.ones(2, 1, 8, 8)))
    assert set(model.state_dict()) == names


@needs_cuda
@pytest.mark.parametrize("settings", [{"amp": True}, {"channels_last": True}, {"compiled": True}], ids=str)
def test_on_a_real_gpu_it_learns_with_each(settings):
    params = Params(model="cnn", lr=3e-3, **settings)
    *_, last = digits.train(params, Run.local(5, device="cuda"))
    assert last.metrics["val_accuracy"] > 0.9
