"""Fixtures of the tests that train: a module takes them with `pytest_plugins = ["tests.support.fixtures"]`."""

import gc
from collections.abc import Iterator

import pytest

from hpsearch.workers import worker

ENDLESS = 1e9


@pytest.fixture(scope="session")
def quick_collections() -> Iterator[None]:
    """Excludes the objects of pytest and torch from the garbage collection after every trial, as `Worker.check`
    does."""
    import torch  # noqa: F401

    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=[0.0, 0.02, ENDLESS], ids=["an epoch a slice", "20 ms a slice", "one slice"])
def slices(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs with slices of each length."""
    monkeypatch.setattr(worker, "SLICE_SECONDS", request.param)


@pytest.fixture
def one_epoch_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SLICE_SECONDS", 0.0)


@pytest.fixture
def one_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "SLICE_SECONDS", ENDLESS)
