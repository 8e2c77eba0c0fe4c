"""What `hpsearch import` prints."""

import shlex
from collections.abc import Sequence

from hpsearch.core.errors import BadInput
from hpsearch.core.format import many, quoted
from hpsearch.orchestrator.evidence.import_results import ImportResult


def columns(options: Sequence[str]) -> dict[str, str]:
    """The value of --columns, which may be repeated. BadInput lists the parts that are not NAME=COLUMN."""
    parts = [part.strip() for option in options for part in option.split(",") if part.strip()]
    wrong = [part for part in parts if not all(one.strip() for one in part.partition("=")[::2])]
    if wrong:
        raise BadInput(f"--columns takes NAME=COLUMN, such as lr=learning_rate; got {quoted(wrong)}")
    return {name.strip(): column.strip() for name, _, column in (part.partition("=") for part in parts)}


def text(result: ImportResult, file: str) -> str:
    used = len(result.found.trials)
    head = f'{used} of {many(result.read, "trial")} of {result.found.name} imported into study "{result.study}"'
    lines = [head, *(f"  not used: {one.text}" for one in result.found.left_out)]
    if result.found.ignored:
        lines.append(f"  not in [space], so the values are ignored: {quoted(result.found.ignored)}")
    if not used:
        return "\n".join(lines)
    if result.learns:
        lines.append("they do not become trials of the study; its sampler learns from them:")
        lines.append(f"  hpsearch run {shlex.quote(file)}")
    else:
        lines.append('this search method does not learn from earlier results; method = "bayesian" does')
    return "\n".join(lines)
