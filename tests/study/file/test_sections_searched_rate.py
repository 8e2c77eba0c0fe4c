"""The range test of a study, by the names of its parameters."""

import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.study.definition import Study

RANGE = {"low": 1e-5, "high": 1.0, "log": True}


def study(space: dict[str, object], **more: object) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "s", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": "mine:train", "epochs": 8},
            "space": space,
            "search": {"method": "recipe", "budget": {"epochs": 100}},
            **more,
        }
    )


@pytest.mark.parametrize("name", ["lr", "learning_rate", "optimizer.lr", "lr0", "base_lr", "encoder_lr"])
def test_the_recipe_tests_the_learning_rate_under_its_own_name(name: str) -> None:
    settings = study({name: RANGE, "momentum": {"low": 0.0, "high": 0.9}}).range_test
    assert settings is not None
    assert settings.parameter == name


@pytest.mark.parametrize("names", [("momentum",), ("lr_g", "lr_d"), ("lr_decay",)])
def test_no_test_where_no_single_rate_is_meant(names: tuple[str, ...]) -> None:
    assert study(dict.fromkeys(names, RANGE)).range_test is None


def test_a_named_parameter_is_kept_and_checked() -> None:
    space = {"lr": RANGE, "warmup_lr": RANGE}
    settings = study(space, lr_range={"parameter": "warmup_lr"}).range_test
    assert settings is not None
    assert settings.parameter == "warmup_lr"
    with pytest.raises(StudyFileError, match=r"lr_range\.parameter: `lr` is not a parameter"):
        study({"rate": RANGE}, lr_range={"parameter": "lr"})


def test_a_section_without_a_parameter_finds_it() -> None:
    settings = study({"learning_rate": RANGE}, lr_range={"iterations": 50}).range_test
    assert settings is not None
    assert (settings.parameter, settings.iterations) == ("learning_rate", 50)
