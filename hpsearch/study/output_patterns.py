"""Patterns for the output of a program: regular expressions in which `{number}` matches a number."""

import re

NUMBER = r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?i:nan|inf(?:inity)?)(?![A-Za-z0-9_]))"
"""Any number that a program prints: 3, -0.5, .5, 1e-3, nan, inf, -Infinity."""

VALUE, STEP, STEP_FROM_0 = "value", "step", "step0"
"""Groups of a pattern: the number; the step of the report that it belongs to, from 1; that step as a number from 0."""

STEPS = {STEP, STEP_FROM_0}


def usual(metric: str) -> str:
    """The default pattern of a metric: it matches `val_loss 0.3`, `Val loss = 0.3`, `"val_loss": 0.3`, `val_loss:
    tensor(0.3)`."""
    name = "[_ -]".join(map(re.escape, metric.split("_")))
    return rf"(?<![\w/.-])(?i:{name})[\"']?\s*[=: ]\s*(?:(?:tensor|np\.float\d+)\()?{{number}}"


def compiled(pattern: str, has_value: bool = True) -> re.Pattern[str]:
    """The compiled pattern. ValueError for an invalid one. has_value: it must have a number; False: it finds a line."""
    parts = pattern.split("{number}")
    if len(parts) > 2:
        raise ValueError("must have {number} once")
    text = f"(?P<{VALUE}>{NUMBER})".join(parts)
    try:
        found = re.compile(text)
    except (re.error, RecursionError, OverflowError) as problem:
        raise ValueError(f"is not a regular expression: {problem}") from None
    if has_value and VALUE not in found.groupindex:
        raise ValueError('must have {number} where the number stands, such as "val_loss[=: ]+{number}"')
    return found
