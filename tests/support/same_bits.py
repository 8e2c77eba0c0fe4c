"""Compares two values bit for bit."""

import collections
import collections.abc
import dataclasses
import random
import types
from typing import Any

import numpy as np
import torch


def bits(value: Any) -> Any:
    """A value that is equal for two arguments if all their parts have the same bits and types."""
    if isinstance(
        value, np.ndarray | np.generic | np.random.Generator | np.random.RandomState | np.random.BitGenerator
    ):
        return bits_of_numpy(value)
    match value:
        case torch.Tensor():
            return type(value).__name__, value.dtype, value.shape, bytes(value.detach().untyped_storage())
        case torch.Generator():
            return "generator", bits(value.get_state())
        case float():
            return float.hex(value)
        case types.SimpleNamespace():
            return "namespace", bits(vars(value))
        case _ if dataclasses.is_dataclass(value):
            return type(value), [(one.name, bits(getattr(value, one.name))) for one in dataclasses.fields(value)]
        case collections.abc.Mapping() if not isinstance(value, types.MappingProxyType):
            own = getattr(value, "default_factory", None), getattr(value, "_metadata", None)
            return type(value), [(bits(key), bits(one)) for key, one in value.items()], own
        case list() | tuple() | collections.deque():
            return type(value), getattr(value, "maxlen", None), [bits(one) for one in value]
        case random.Random():
            return "random", value.getstate()
    return type(value), value


def bits_of_numpy(value: Any) -> Any:
    kind = type(value).__name__
    if isinstance(value, np.random.BitGenerator):
        return kind, bits(value.state)
    if isinstance(value, np.random.Generator):
        return kind, bits(value.bit_generator)
    if isinstance(value, np.random.RandomState):
        return kind, bits(value.get_state(legacy=False))
    if isinstance(value, np.longdouble):
        return kind, repr(value)  # its bytes have padding
    if value.dtype.hasobject:
        return kind, value.shape, [bits(one) for one in value.ravel()]
    return kind, value.dtype.str, value.dtype.descr, value.shape, value.tobytes()
