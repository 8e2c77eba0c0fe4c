"""Powers of a whole number."""


def exponent(value: float, base: int) -> int:
    """The largest whole number n for which base^n <= value; value >= 1."""
    found = 0
    while base ** (found + 1) <= value:
        found += 1
    return found
