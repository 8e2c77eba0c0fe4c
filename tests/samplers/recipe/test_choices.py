from hpsearch.core.trial import Plain, Trial
from hpsearch.samplers.recipe.choices import without_worse_values
from hpsearch.study.space import Choice, Float, Space

SPACE = Space((Float("lr", 0.0, 1.0), Choice("optimizer", ("sgd", "adam", "adagrad")), Choice("norm", (True, False))))


def trials(optimizers: str, losses: list[float]) -> tuple[list[Trial], dict[int, float]]:
    names = {"s": "sgd", "a": "adam", "g": "adagrad"}
    made = [Trial(n, {"lr": 0.5, "optimizer": names[o], "norm": n % 2 == 0}, n, 1) for n, o in enumerate(optimizers)]
    return made, dict(enumerate(losses))


def kept(optimizers: str, losses: list[float], best: Plain = "adam") -> tuple[tuple[Plain, ...], list[str]]:
    made, by_number = trials(optimizers, losses)
    space, notes = without_worse_values(
        SPACE, made, lambda trial: by_number[trial.number], {"optimizer": best, "norm": True}
    )
    chosen = space["optimizer"]
    assert isinstance(chosen, Choice)
    return chosen.values, notes


def test_a_value_whose_trials_are_all_worse_is_dropped() -> None:
    values, notes = kept("s" * 6 + "a" * 6, [5.0, 6, 7, 8, 9, 10, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert values == ("adam", "adagrad")
    assert notes == [
        "optimizer: 'sgd' is dropped, because the 6 trials with it (0, 1, 2, 3, 4, 5) rank worse (p < 0.01)"
    ]


def test_a_value_with_few_trials_stays() -> None:
    assert kept("s" * 4 + "a" * 8, [9.0] * 4 + [0.1] * 8)[0] == ("sgd", "adam", "adagrad")


def test_a_value_that_is_slightly_worse_stays() -> None:
    assert kept("sa" * 6, [0.2, 0.1] * 3 + [0.1, 0.2] * 3)[0] == ("sgd", "adam", "adagrad")


def test_the_value_of_the_best_trial_stays() -> None:
    losses = [0.01, *[9.0] * 6, *[0.1] * 7]
    assert kept("s" * 7 + "a" * 7, losses, best="sgd")[0] == ("sgd", "adam", "adagrad")


def test_trials_without_a_result_count_as_the_worst() -> None:
    values, _ = kept("s" * 6 + "a" * 6, [float("inf")] * 6 + [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert values == ("adam", "adagrad")
    assert kept("sa" * 6, [float("inf")] * 12)[0] == ("sgd", "adam", "adagrad")
