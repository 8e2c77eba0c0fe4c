"""YAML that others have written: plain values of limited size. No Python object is created from it.

Aliases can name a value any number of times, so that a text of 1 kB stands for more values than fit into memory.
"""

from collections.abc import Iterator
from typing import Any

import yaml

MAX_VALUES = 1_000_000
"""The most values of a document, with each alias in place of its value."""


def document(text: str) -> Any:
    """The only document; None for an empty text. ValueError, yaml.YAMLError, RecursionError."""
    found = list(documents(text))
    if len(found) > 1:
        raise ValueError(f"it must have one document, got {len(found):,}")
    return found[0] if found else None


def documents(text: str) -> Iterator[Any]:
    """As `document`, for a text with any number of documents."""
    loader = yaml.SafeLoader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            _values(node, {})
            yield loader.construct_document(node)
    finally:
        loader.dispose()


def _values(node: yaml.Node, counted: dict[yaml.Node, int]) -> int:
    """The number of values in a node. counted: of the nodes before it; 0 for a node that contains this one."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if node not in counted:
        counted[node] = 0
        parts = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
        total = 1 + sum(_values(part, counted) for part in parts)
        if total > MAX_VALUES:
            raise ValueError(f"its aliases stand for more than {MAX_VALUES:,} values")
        counted[node] = total
    if not counted[node]:
        raise ValueError("a value contains itself, by an alias")
    return counted[node]
