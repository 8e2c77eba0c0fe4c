"""The result of a preflight, as text."""

from hpsearch.preflight.judge import check
from hpsearch.preflight.runner import Preflight
from hpsearch.records.preflight_record import cost_text


def text(result: Preflight) -> str:
    cost = cost_text(result.learning.document()["cost"])
    return "\n".join(
        filter(None, [check.text(result.learning.checks), cost, result.range_test.says if result.range_test else ""])
    )
