"""Records which of a trial's parameters its trainer reads, and names those that its source does not use. A parameter
that is never read is often misspelt."""

import copy
import dataclasses
import difflib
import os
import re
from collections.abc import Callable, Collection, ItemsView, Iterator, KeysView, Mapping, Set, ValuesView
from typing import Any

from hpsearch.core.format import quoted
from hpsearch.core.messages import Unread
from hpsearch.study.space import Space
from hpsearch.trainer.arguments import delivered_names, head

MIN_ABBREVIATION = 2
"""The fewest letters of an abbreviation such as "lr" for "learning_rate"."""

_forks: list[int] = []
"""One entry for each fork of this process."""

if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_parent=lambda: _forks.append(0))


class ParameterReads:
    """argument: pass it to the trainer instead of the original one; its reads are recorded.

    names: of the parameters that must be read; one with a dot is read with its table. A parameter that is copied, such
    as by `dict(params)`, `**params` or `dataclasses.asdict(params)`, counts as read. After a fork, such as
    one of a DataLoader with workers, all count as read: a child process may read them.
    """

    def __init__(self, argument: Any, names: Collection[str], known: frozenset[str] | None = None):
        """known: the names that the trainer reads, where its text shows them; the argument is passed as it is then."""
        own = _names_of(argument)
        self._given = frozenset(names) if own is None else own
        self._names = frozenset(name if name in self._given else head(name) for name in names)
        self._known, self._read = known, set[str]()
        self.argument, self._is_recorded, self._forks = argument, True, len(_forks)
        if known is not None:
            return
        if type(argument) is dict:
            self.argument = _RecordingDict(argument, self._read.add)
        else:
            is_instance = dataclasses.is_dataclass(argument) and not isinstance(argument, type)
            self._is_recorded = is_instance and _record_attribute_reads(argument, self._read.add)

    def restart(self) -> None:
        """Forget earlier reads. Called when the trainer starts."""
        self._read.clear()
        self._forks = len(_forks)

    @property
    def unread(self) -> Unread | None:
        """None if all were read, or if reads cannot be recorded."""
        if self._known is None and len(_forks) > self._forks:
            return None
        read = self._read if self._known is None else self._known
        names = self._names - read if self._is_recorded else ()
        has_keys = self._known is not None or type(self.argument) is _RecordingDict
        missing = read - self._given if has_keys else ()
        return Unread(tuple(sorted(names)), tuple(sorted(missing))) if names else None


def _names_of(argument: Any) -> frozenset[str] | None:
    """Of a mapping or dataclass: the names that can be read; None for other arguments."""
    if type(argument) is dict:
        return frozenset(argument)
    if dataclasses.is_dataclass(argument) and not isinstance(argument, type):
        return frozenset(field.name for field in dataclasses.fields(argument))
    return None


class _Sentence(str):
    """A text that KeyError prints without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def _is_missing(key: str, names: Collection[str]) -> str:
    """The text for a parameter that the trial does not have, with the name that was probably meant."""
    text = f"the trial has no parameter `{key}`"
    if inside := sorted(name for name in names if name.startswith(f"{key}.")):
        first = inside[0].removeprefix(f"{key}.")
        other = f'params["{key}"]["{first}"] with `nested = true` in [trainer]'
        return f'{text}: write params["{inside[0]}"], or {other}'
    if head(key) != key and head(key) in names:
        table, _, rest = key.partition(".")
        return f'{text}: write params["{table}"]["{rest}"], because [trainer] has `nested = true`'
    near = nearest(key, set(names))
    return f"{text}; did you mean `{near}`?" if near else f"{text}; it has {quoted(sorted(names))}"


class _RecordingDict(dict[str, Any]):
    """A dict that calls `seen` with each key that is read. Its copies and pickles are plain dicts."""

    def __init__(self, content: dict[str, Any], seen: Callable[[str], None]):
        super().__init__(content)
        self._record = seen

    def _record_all(self) -> None:
        for key in super().__iter__():
            self._record(key)

    def __getitem__(self, key: str) -> Any:
        self._record(key)
        return super().__getitem__(key)

    def __missing__(self, key: str) -> Any:
        raise KeyError(_Sentence(_is_missing(str(key), set(super().keys()))))

    def get(self, key: str, default: Any = None) -> Any:
        self._record(key)
        return super().get(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        self._record(key)
        return super().pop(key, *default)

    def __iter__(self) -> Iterator[str]:
        self._record_all()
        return super().__iter__()

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # dict's own is a class of C
        self._record_all()
        return super().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        self._record_all()
        return super().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        self._record_all()
        return super().items()

    def copy(self) -> dict[str, Any]:
        return dict(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def _record_attribute_reads(instance: Any, seen: Callable[[str], None]) -> bool:
    """Give the instance a subclass of its class that calls `seen` with each attribute that is read.

    False if its class cannot be changed. `repr` does not count as a read; its pickles have the original class.
    """
    own: Any = type(instance)
    names = [field.name for field in dataclasses.fields(own)]

    def attribute(self: Any, name: str) -> Any:
        for one in names if name == "__dict__" else (name,):  # vars(params)
            seen(one)
        return own.__getattribute__(self, name)

    def plain(self: Any) -> Any:
        found = object.__new__(own)
        for name in names:
            object.__setattr__(found, name, own.__getattribute__(self, name))
        return found

    members = {
        "__slots__": (),
        "__module__": own.__module__,
        "__qualname__": own.__qualname__,
        "__getattribute__": attribute,
        "__repr__": lambda self: repr(plain(self)),
        "__eq__": lambda self, other: plain(self) == (plain(other) if type(other) is type(self) else other),
        "__hash__": lambda self: hash(plain(self)),
        "__reduce_ex__": lambda self, _protocol: (copy.copy, (plain(self),)),
    }
    try:
        object.__setattr__(instance, "__class__", type(own.__name__, (own,), members))
    except TypeError:
        return False
    return True


# From the source ───────────────────────────────────────────────────────────────────────────────


def unused(space: Space, used: Set[str] | None, given: Set[str]) -> Mapping[str, Unread]:
    """The searched parameters that the source of the trainer does not use, each with the name that is probably meant.

    used: the names that the trainer may read; None if they are not known: then no parameter is named. given: all names
    that the trainer gets.
    """
    if used is None:
        return {}
    found = {}
    for one in space.parameters:
        (name,) = delivered_names(space, [one.name])
        if not {name, head(name)} & used:
            near = nearest(name, used - given)
            found[one.name] = Unread((name,), (near,) if near else ())
    return found


def nearest(name: str, others: Set[str]) -> str:
    """The name that is probably meant by this one: similar, or its abbreviation, or a longer form of it; "" if there is
    none."""
    by_letters = {one.replace("_", "").lower(): one for one in sorted(others)}
    if (same := by_letters.get(name.replace("_", "").lower())) is not None:
        return same
    if near := difflib.get_close_matches(name, sorted(others), n=1, cutoff=0.75):
        return near[0]
    return next((one for one in sorted(others) if _abbreviates(one, name) or _abbreviates(name, one)), "")


def _abbreviates(short: str, long: str) -> bool:
    """lr: learning_rate. batch: batch_size. wd: weight_decay."""
    words = re.findall(r"[A-Za-z]+|\d+", long)
    initials = "".join(word[0] for word in words)
    is_long_enough = len(short) >= MIN_ABBREVIATION and len(words) > 1
    return is_long_enough and short.lower() in (initials.lower(), words[0].lower())
