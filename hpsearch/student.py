"""Student's t distribution with a whole number of degrees of freedom, in closed form."""

import math


def within(t: float, freedom: int) -> float:
    """The probability that |T| < t, for t >= 0 and freedom >= 1 (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    first = freedom % 2
    term = total = cosine if first else 1.0
    for k in range(first + 2, freedom, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    if not first:
        return sine * total
    return 2 / math.pi * (angle + (sine * total if freedom > 1 else 0.0))


def quantile(probability: float, freedom: int) -> float:
    """The t > 0 with P(|T| < t) = probability, which lies in (0, 1): 2.776 for 0.95 and 4 degrees of freedom."""
    low, high = 0.0, 1.0
    while within(high, freedom) < probability:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle, freedom) < probability else (low, middle)
    return high
