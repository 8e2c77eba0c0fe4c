import pytest

pytest.register_assert_rewrite("tests.chaos.invariants", "tests.chaos.scenario")
