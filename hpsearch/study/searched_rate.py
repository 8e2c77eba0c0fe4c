"""The learning rate that a study searches."""

from hpsearch.core.parameter_roles import learning_rate_of
from hpsearch.study.space import Float, Space


def searched_rate(space: Space) -> tuple[str | None, bool]:
    """Its name, and whether the range test finds its range (`auto = true`). None if no learning rate is searched in one
    range above 0, or if several parameters may be the learning rate."""
    ranges = [one for one in space.parameters if isinstance(one, Float)]
    for one in ranges:
        if one.auto:
            return one.name, True
    return learning_rate_of(one.name for one in ranges if not one.axis and one.low > 0), False
