"""Converts the state of tracked objects to plain values and tensors, which a checkpoint may hold, and back.

A checkpoint is read with `weights_only=True`, which accepts tensors, numbers, text, lists and dictionaries. Other
values (NumPy arrays, a deque, a Path, a dataclass) are written as a dictionary with their kind, and created again from
it. No code of a file is executed: the kinds are a fixed table in this module, and a class is only looked up among the
modules that are already imported. Such a class must be an Enum, a named tuple or a dataclass without `__del__`, and its
instances are created without a call of the constructor: a file can set fields, but cannot call anything.
"""

import collections
import copy
import dataclasses
import enum
import sys
import types
from collections.abc import Iterable, Mapping
from typing import Any

from hpsearch.trainer.plain_kinds import PLAIN_KINDS, READERS

KIND, VALUE, EXTRA = "__hpsearch_kind__", "value", "extra"

Path = tuple[str, ...]
"""The path of a value in a state, such as ("['history']", "[3]")."""

MAX_DEPTH = 200
"""Maximum nesting of a state; a deeper one probably contains itself."""


class NotPlain(Exception):
    """A value that a checkpoint cannot store. path: its path in the state. what: its type, for messages."""

    def __init__(self, path: Path, what: str):
        super().__init__(f"{''.join(path)} is {what}")
        self.path, self.what = path, what


PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
BUILTINS = (int, float, complex, list, dict, set, frozenset, str, bytes, bytearray, bool, tuple)
CONTAINERS = (collections.deque, collections.Counter, collections.OrderedDict, collections.defaultdict)
FACTORIES: Mapping[str, Any] = {kind.__name__: kind for kind in BUILTINS + CONTAINERS}
"""The default factories that a stored defaultdict may have."""

BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
"""NumPy's bit generators."""


# Writing ─────────────────────────────────────────────────────────────────────────────────────────


def to_plain(value: Any, path: Path = ()) -> Any:
    """The state as plain values and tensors. A plain value is returned as it is, so shared tensors stay shared.

    NotPlain names the first value that a checkpoint cannot store.
    """
    kind = type(value)
    if kind in PLAIN or _is_torch_plain(value):
        return value
    if len(path) > MAX_DEPTH:
        raise NotPlain(path[:3], f"nested more than {MAX_DEPTH} levels deep, probably because it contains itself")
    if kind is dict or kind is collections.OrderedDict:
        return _written_dict(value, path)
    if kind in (list, tuple):
        parts = _items(value, path)
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else kind(parts)
    if kind in PLAIN_KINDS:
        name, write, _ = PLAIN_KINDS[kind]
        try:
            return _tagged(name, write(value))
        except TypeError as problem:
            raise NotPlain(path, str(problem)) from None
    return _written_container(value, path) or _written_numpy(value, path) or _written_instance(value, path)


def _tagged(kind: str, value: Any, extra: Any = None) -> dict[str, Any]:
    return {KIND: kind, VALUE: value} if extra is None else {KIND: kind, VALUE: value, EXTRA: extra}


def _items(values: Iterable[Any], path: Path) -> list[Any]:
    return [one if type(one) in PLAIN else to_plain(one, (*path, f"[{place}]")) for place, one in enumerate(values)]


def _pairs(value: Mapping[Any, Any], path: Path) -> list[Any]:
    """Keys and values as pairs, both converted."""
    return [
        [
            key if type(key) in PLAIN else to_plain(key, (*path, f" (the key {key!r:.60})")),
            one if type(one) in PLAIN else to_plain(one, (*path, f"[{key!r:.60}]")),
        ]
        for key, one in value.items()
    ]


def _written_dict(value: Any, path: Path) -> Any:
    pairs = _pairs(value, path)
    same = all(new is own and one is old for (new, one), (own, old) in zip(pairs, value.items(), strict=True))
    if same and KIND not in value:
        return value
    extra = to_plain(dict(vars(value)), path) if type(value) is collections.OrderedDict and vars(value) else None
    return _tagged("dict" if type(value) is dict else "OrderedDict", pairs, extra)


def _written_container(value: Any, path: Path) -> Any:
    """None for other values than containers of the standard library."""
    match value:
        case collections.deque() if type(value) is collections.deque:
            return _tagged("deque", _items(value, path), [value.maxlen])
        case set() | frozenset() if type(value) in (set, frozenset):
            return _tagged(type(value).__name__, _items(value, path))
        case collections.Counter() if type(value) is collections.Counter:
            return _tagged("Counter", _pairs(value, path))
        case collections.defaultdict() if type(value) is collections.defaultdict:
            factory = value.default_factory
            if factory is not None and FACTORIES.get(getattr(factory, "__name__", "")) is not factory:
                raise NotPlain(path, f"a defaultdict with the factory {_named(factory)}")
            return _tagged("defaultdict", _pairs(value, path), [factory and factory.__name__])
        case types.SimpleNamespace() if type(value) is types.SimpleNamespace:
            return _tagged("namespace", _pairs(vars(value), path))
        case types.MappingProxyType():
            return _tagged("mappingproxy", _pairs(value, path))
    return None


def _is_torch_plain(value: Any) -> bool:
    """A tensor, or a torch value that `weights_only=True` accepts."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    return _is_tensor(value) or type(value) in (torch.Size, torch.dtype, torch.device, torch.layout)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _written_numpy(value: Any, path: Path) -> Any:
    """For NumPy values and torch.Generator; None for others."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and type(value) is torch.Generator:
        return _tagged("torch.Generator", value.get_state())
    if numpy is None:
        return None
    if isinstance(value, numpy.dtype):
        return _tagged("dtype", to_plain(numpy.lib.format.dtype_to_descr(value), path))
    if isinstance(value, numpy.generic):
        array_, kind = numpy.asarray(value), "number"
    elif type(value) is numpy.ndarray:
        array_, kind = value, "ndarray"
    elif isinstance(value, numpy.random.Generator):
        return _tagged("Generator", _written_bit_generator(value.bit_generator, path))
    elif isinstance(value, numpy.random.RandomState):
        return _tagged("RandomState", to_plain(value.get_state(legacy=False), path))
    elif isinstance(value, numpy.random.BitGenerator):
        return _tagged("bits", _written_bit_generator(value, path))
    else:
        return None
    if array_.dtype.hasobject:
        return _tagged("objects", _items(array_.ravel().tolist(), path), list(array_.shape))
    fortran = array_.ndim > 1 and array_.flags.f_contiguous and not array_.flags.c_contiguous
    content = _bytes_tensor(array_.tobytes(order="F" if fortran else "C"))
    descr = to_plain(numpy.lib.format.dtype_to_descr(array_.dtype), path)
    return _tagged(kind, content, [descr, list(array_.shape), fortran])


def _bytes_tensor(content: bytes) -> Any:
    """As a tensor, since bytes take twice their size in a checkpoint."""
    import torch

    return torch.frombuffer(bytearray(content), dtype=torch.uint8) if content else torch.empty(0, dtype=torch.uint8)


def _written_bit_generator(bits: Any, path: Path) -> Any:
    if type(bits).__name__ not in BIT_GENERATORS:
        raise NotPlain(path, f"NumPy's {type(bits).__name__}, a bit generator that hpsearch does not support")
    return to_plain(bits.state, path)


def _written_instance(value: Any, path: Path) -> Any:
    kind = type(value)
    if (why := _why_unsupported(kind)) or _imported_class(kind.__module__, kind.__qualname__) is not kind:
        raise NotPlain(path, why or f"of a class that cannot be imported as {kind.__module__}.{kind.__qualname__}")
    named = [kind.__module__, kind.__qualname__]
    if isinstance(value, enum.Flag):
        return _tagged("flag", value.value, named)
    if isinstance(value, enum.Enum):
        return _tagged("enum", value.name, named)
    if isinstance(value, tuple):
        return _tagged("named tuple", _items(value, path), named)
    own = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if hasattr(value, one.name)}
    own |= getattr(value, "__dict__", {})
    return _tagged("dataclass", {name: to_plain(one, (*path, f".{name}")) for name, one in own.items()}, named)


def _why_unsupported(kind: type) -> str:
    """Why instances of a class cannot be stored; "" where they can."""
    is_named_tuple = issubclass(kind, tuple) and hasattr(kind, "_fields")
    if not (issubclass(kind, enum.Enum) or is_named_tuple or dataclasses.is_dataclass(kind)):
        return _named(kind, "an object of the class ") if kind.__module__ != "builtins" else f"a {kind.__name__}"
    if issubclass(kind, enum.Flag) and kind._missing_.__func__ is not enum.Flag._missing_.__func__:  # type: ignore[attr-defined]
        return _named(kind, "a Flag with a `_missing_` of its own, ")
    if hasattr(kind, "__del__"):
        return _named(kind, "an object with `__del__`, of the class ")
    return ""


def _named(thing: Any, before: str = "") -> str:
    module, name = getattr(thing, "__module__", ""), getattr(thing, "__qualname__", type(thing).__name__)
    return f"{before}{module}.{name}"


# Reading ─────────────────────────────────────────────────────────────────────────────────────────


def from_plain(value: Any) -> Any:
    """The inverse of `to_plain`. ValueError for a value that `to_plain` does not return."""
    if type(value) in (list, tuple):
        parts = [from_plain(one) for one in value]
        return value if all(new is old for new, old in zip(parts, value, strict=True)) else type(value)(parts)
    if not isinstance(value, dict):
        return value
    if KIND not in value:
        found = {key: from_plain(one) for key, one in value.items()}
        return value if all(found[key] is one for key, one in value.items()) else found
    return _read_tagged(value[KIND], value[VALUE], value.get(EXTRA))


def _read_tagged(kind: str, value: Any, extra: Any) -> Any:
    if kind in READERS:
        return READERS[kind](value)
    match kind:
        case "dict" | "OrderedDict":
            pairs = [(from_plain(key), from_plain(one)) for key, one in value]
            if kind == "dict":
                return dict(pairs)
            ordered = collections.OrderedDict(pairs)
            vars(ordered).update(from_plain(extra) or {})
            return ordered
        case "deque":
            return collections.deque(map(from_plain, value), extra[0])
        case "set" | "frozenset":
            return (set if kind == "set" else frozenset)(map(from_plain, value))
        case "Counter":
            return collections.Counter({from_plain(key): from_plain(one) for key, one in value})
        case "defaultdict":
            factory = FACTORIES[extra[0]] if extra[0] else None
            return collections.defaultdict(factory, ((from_plain(key), from_plain(one)) for key, one in value))
        case "namespace":
            return types.SimpleNamespace(**{from_plain(key): from_plain(one) for key, one in value})
        case "mappingproxy":
            return types.MappingProxyType({from_plain(key): from_plain(one) for key, one in value})
        case "enum" | "flag" | "named tuple" | "dataclass":
            return _read_instance(kind, value, *extra)
        case "torch.Generator":
            import torch

            generator = torch.Generator()
            generator.set_state(value)
            return generator
    return _read_numpy(kind, value, extra)


def _read_numpy(kind: str, value: Any, extra: Any) -> Any:
    import numpy

    match kind:
        case "dtype":
            return numpy.lib.format.descr_to_dtype(from_plain(value))
        case "objects":
            objects = numpy.empty(len(value), dtype=object)
            for place, one in enumerate(value):
                objects[place] = from_plain(one)
            return objects.reshape(extra)
        case "number" | "ndarray":
            descr, shape, fortran = extra
            content = bytearray(value.numpy().tobytes())
            dtype = numpy.lib.format.descr_to_dtype(from_plain(descr))
            whole = numpy.frombuffer(content, dtype=dtype) if content else numpy.empty(0, dtype=dtype)
            found = whole.reshape(shape, order="F" if fortran else "C")
            return found if kind == "ndarray" else found[()]
        case "bits":
            return _read_bit_generator(value)
        case "Generator":
            return numpy.random.Generator(_read_bit_generator(value))
        case "RandomState":
            state = from_plain(value)
            legacy = numpy.random.RandomState(_new_bit_generator(state["bit_generator"]))
            legacy.set_state(state)
            return legacy
    raise ValueError(f"a checkpoint has a value of the kind {kind!r}, which this version of hpsearch does not know")


def _read_bit_generator(value: Any) -> Any:
    state = from_plain(value)
    bits = _new_bit_generator(state["bit_generator"])
    bits.state = state
    return bits


def _new_bit_generator(name: str) -> Any:
    import numpy

    if name not in BIT_GENERATORS:
        raise ValueError(f"{name!r:.60} is no bit generator of NumPy")
    return getattr(numpy.random, name)()


def _read_instance(kind: str, value: Any, module: str, name: str) -> Any:
    """An Enum member, a named tuple or a dataclass, created without its constructor or any of its methods."""
    found = _imported_class(module, name)
    if found is None:
        raise ValueError(f"it holds an object of the class {module}.{name}, which this process has not imported")
    if why := _why_unsupported(found):
        raise ValueError(f"a checkpoint names {module}.{name}, which is {why}")
    if kind == "enum":
        return found.__members__[value]
    if kind == "flag":
        return found(value)
    if kind == "named tuple":
        return tuple.__new__(found, map(from_plain, value))
    instance = object.__new__(found)
    for field, one in value.items():
        slot = next((vars(base)[field] for base in found.__mro__ if field in vars(base)), None)
        if isinstance(slot, types.MemberDescriptorType):  # of __slots__
            slot.__set__(instance, from_plain(one))
        else:
            vars(instance)[field] = from_plain(one)
    return instance


def _imported_class(module: str, name: str) -> Any:
    """A class by its name, if its module is imported already; else None. Imports nothing."""
    there: Any = sys.modules.get(module)
    for part in name.split("."):
        there = vars(there).get(part) if there is not None and hasattr(there, "__dict__") else None
    return there if isinstance(there, type) else None


# Copies ──────────────────────────────────────────────────────────────────────────────────────────


def cloned(state: Any) -> Any:
    """A deep copy of tensors and containers; for a small model ten times faster than torch.save. A state that contains
    itself is returned as it is: `to_plain` raises NotPlain for it."""
    try:
        return _cloned(state)
    except RecursionError:
        return state


def _cloned(state: Any) -> Any:
    if _is_tensor(state):
        own = state.detach().clone()
        return type(state)(own, state.requires_grad) if type(state).__name__ == "Parameter" else own
    if type(state) is dict:
        return {key: _cloned(value) for key, value in state.items()}
    if type(state) is collections.OrderedDict:
        ordered = collections.OrderedDict((key, _cloned(value)) for key, value in state.items())
        vars(ordered).update(vars(state))
        return ordered
    if type(state) in (list, tuple):
        return type(state)(map(_cloned, state))
    try:
        return copy.deepcopy(state)
    except Exception:  # `to_plain` raises NotPlain for it
        return state
