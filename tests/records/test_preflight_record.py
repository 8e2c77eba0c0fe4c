import pytest

from hpsearch.records.preflight_record import cost_text, share

GIB = 1 << 30


def test_the_suggestion_can_be_copied_into_the_study() -> None:
    said = cost_text({"seconds": 2.0, "host": 2 * GIB, "gpu": 10 * GIB, "per_gpu": 7})
    assert said.startswith("2 s an epoch, 2048 MiB of memory, 10240 MiB of GPU memory, so that 7 fit one GPU ")
    assert said.endswith("(resources.per_trial.gpus = 0.14)")


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 33, 250, 4000, 100_000])
def test_the_shares_add_up_to_at_most_one_gpu(count: int) -> None:
    """Ray counts in steps of 0.0001, so no more than 10,000 share one."""
    assert min(count, 10_000) * share(count) <= 1
    assert share(count) >= 1e-4
    assert round(share(count), 4) == share(count)
    assert share(count) * count > 0.5 or count > 1000


def test_the_cost_of_a_training_step() -> None:
    assert cost_text({"seconds": 0.5, "host": 0, "gpu": 0, "per_gpu": None, "unit": "step"}) == "0.5 s a step"
    assert cost_text({"seconds": 0.5, "host": 0, "gpu": 0, "per_gpu": None}) == "0.5 s an epoch"
