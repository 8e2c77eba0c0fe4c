"""The seal of the test split: closed, open inside `unsealed`, and closed again."""

import pytest

from hpsearch.core.errors import HpsearchError
from hpsearch.trainer.seal import Sealed, check_unsealed, unsealed


def test_it_is_sealed_until_it_is_opened_and_then_again():
    with pytest.raises(Sealed, match="opens it once"):
        check_unsealed()
    with unsealed("the test of this test"):
        check_unsealed()
        with unsealed("another, inside it"):
            check_unsealed()
        check_unsealed()
    with pytest.raises(Sealed):
        check_unsealed()


def test_an_opening_that_ends_in_an_error_is_over_too():
    with pytest.raises(ZeroDivisionError), unsealed("it goes wrong"):
        1 / 0  # noqa: B018
    with pytest.raises(Sealed):
        check_unsealed()


def test_nobody_opens_it_without_saying_why():
    with pytest.raises(ValueError, match="opening must not be empty"), unsealed(""):
        pass


def test_who_peeks_is_told_in_the_commands_own_way():
    assert issubclass(Sealed, HpsearchError)
    assert Sealed.exit_code == 2
