"""Values of every kind that a state may hold come back from a checkpoint bit for bit, and nothing in a file runs."""

import array
import collections
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import random
import types
import typing
import uuid
import zoneinfo
from typing import Any

import numpy as np
import pytest
import torch

from hpsearch.trainer import plain_state, state
from tests.support.same_bits import bits


class Phase(enum.Enum):
    WARM_UP = "warm-up"
    DECAY = 2


class Level(enum.IntEnum):
    HIGH = 3


class Parts(enum.Flag):
    HEAD = 1
    BODY = 2


class Point(typing.NamedTuple):
    x: float
    of: Any


@dataclasses.dataclass
class Best:
    loss: float
    weights: Any = None
    seen: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    epoch: int


@dataclasses.dataclass
class Checked:
    """Its constructor and its setters are not called by a checkpoint."""

    calls: typing.ClassVar[list[str]] = []
    value: int = 0

    def __post_init__(self) -> None:
        self.calls.append("post_init")

    def __setattr__(self, name: str, value: Any) -> None:
        self.calls.append(name)
        object.__setattr__(self, name, value)


@dataclasses.dataclass
class Removes:
    path: str

    def __del__(self) -> None: ...


class Plain:
    """Neither a dataclass nor a named tuple."""


class OwnFlag(enum.Flag):
    ONE = 1

    @classmethod
    def _missing_(cls, value: object) -> Any:
        return super()._missing_(value)


class Holder:
    """A helper of a trainer that keeps one value."""

    def __init__(self, value: Any = None):
        self.value = value

    def state_dict(self) -> Any:
        return {"value": self.value}

    def load_state_dict(self, found: Any) -> None:
        self.value = found["value"]


class TupleState(Holder):
    def state_dict(self) -> Any:
        return (1, [self.value], "x")

    def load_state_dict(self, found: Any) -> None:
        _, (self.value,), _ = found


def through_file(value: Any) -> Any:
    held = state.take_snapshot("study/0", 1, 0.0, {"it": Holder(value)})
    return state.unpack(state.pack(held)).object_state("it")["value"]


def ordered() -> Any:
    found = collections.OrderedDict(b=np.float32(1.5), a=[deque_of(2)])
    found._metadata = {"": {"version": np.int64(1)}}  # type: ignore[attr-defined]
    return found


def deque_of(most: int | None) -> Any:
    return collections.deque([1.5, np.float64(0.1)], maxlen=most)


def generator(kind: str) -> Any:
    made = np.random.Generator(getattr(np.random, kind)(5))
    made.integers(3, dtype=np.uint32)
    return made


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
KINDS: dict[str, Any] = {
    "None": None,
    "bool": True,
    "big int": 2**200,
    "float nan": float("nan"),
    "float inf": float("-inf"),
    "float -0.0": -0.0,
    "complex": 1 - 2j,
    "str": "ä\0\ud800",
    "bytes": b"\0\xff",
    "bytearray": bytearray(b"\0\xff"),
    "tuple": (1, (2.5, "x")),
    "np.float64": np.float64(0.1),
    "np.float32": np.float32(0.1),
    "np.float16": np.float16(0.1),
    "np.longdouble": np.longdouble("0.1"),
    "np.int64": np.int64(-7),
    "np.uint8": np.uint8(200),
    "np.bool": np.bool_(True),
    "np.complex128": np.complex128(1 + 2j),
    "np.str": np.str_("best"),
    "np.datetime64": np.datetime64("2026-01-02T03:04:05.678"),
    "np.timedelta64": np.timedelta64(3, "D"),
    "array": np.linspace(0, 1, 7),
    "array with NaN": np.array([np.nan, -np.nan, np.inf, -0.0]),
    "array 0-d": np.array(3.5),
    "array empty": np.zeros((0, 3), dtype=np.float32),
    "array bool": np.array([True, False]),
    "array of text": np.array(["a", "bcd"]),
    "array Fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "array strided": np.arange(10)[::3],
    "array big-endian": np.arange(3, dtype=">i4"),
    "array structured": np.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8")]),
    "array of objects": np.array([[1, "a"], [None, np.float64(2)]], dtype=object),
    "dtype": np.dtype("float32"),
    "dtype structured": np.dtype([("n", "i4"), ("x", "f8", (2,))]),
    "deque": deque_of(None),
    "deque with maxlen": deque_of(3),
    "OrderedDict": collections.OrderedDict(b=1, a=2),
    "OrderedDict with attributes": ordered(),
    "defaultdict": collections.defaultdict(list, {"a": [np.int64(1)]}),
    "defaultdict of deques": collections.defaultdict(collections.deque, {"a": collections.deque([1])}),
    "defaultdict of counters": collections.defaultdict(collections.Counter, {"a": collections.Counter("aab")}),
    "defaultdict without factory": collections.defaultdict(None, {"a": 1}),
    "Counter": collections.Counter("hello"),
    "set": {1, "a", (2, 3)},
    "frozenset": frozenset({1.5, None}),
    "dict with keys of all kinds": {np.int64(3): 1, (1, 2): 2, None: 3, Phase.DECAY: 4, 2.5: 5},
    "dict with the key of hpsearch": {plain_state.KIND: "deque", "value": [1]},
    "namespace": types.SimpleNamespace(a=np.float64(1.0), b=[1]),
    "mappingproxy": types.MappingProxyType({"a": 1}),
    "datetime": datetime.datetime(2026, 1, 2, 3, 4, 5, 678),
    "datetime UTC": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    "datetime of a zone": datetime.datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    "datetime of a fixed offset": datetime.datetime(
        2026, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=5.5), "IST")
    ),
    "date": datetime.date(2026, 1, 2),
    "time": datetime.time(3, 4, 5, 6),
    "timedelta": datetime.timedelta(days=-1, microseconds=3),
    "timezone": datetime.timezone(datetime.timedelta(hours=-3)),
    "ZoneInfo": BERLIN,
    "Decimal": decimal.Decimal("0.10"),
    "Fraction": fractions.Fraction(1, 3),
    "UUID": uuid.UUID(int=5),
    "Path": pathlib.Path("/data/x"),
    "PurePosixPath": pathlib.PurePosixPath("a/b"),
    "PureWindowsPath": pathlib.PureWindowsPath("c:\\a"),
    "range": range(1, 9, 2),
    "slice": slice(1, None, 2),
    "Ellipsis": ...,
    "array.array": array.array("d", [0.1, -0.0]),
    "Enum": Phase.WARM_UP,
    "IntEnum": Level.HIGH,
    "Flag": Parts.HEAD | Parts.BODY,
    "named tuple": Point(np.float64(1.5), deque_of(2)),
    "dataclass": Best(np.inf, np.arange(3), [1, 2]),
    "dataclass with a tensor": Best(0.5, torch.arange(3.0)),
    "dataclass frozen with slots": Frozen("a", 3),
    "list of dataclasses": [Best(1.0, (Frozen("b", 1),)), Best(2.0)],
    "torch.Size": torch.Size([2, 3]),
    "torch.dtype": torch.bfloat16,
    "torch.device": torch.device("cpu"),
    "tensor": torch.tensor([0.1, float("nan")], dtype=torch.bfloat16),
    "Parameter": torch.nn.Parameter(torch.ones(2)),
    "random.Random": random.Random(5),
    "np.random.RandomState": np.random.RandomState(5),
    "np PCG64": generator("PCG64"),
    "np MT19937": generator("MT19937"),
    "np Philox": generator("Philox"),
    "np SFC64": generator("SFC64"),
    "bit generator": np.random.PCG64DXSM(5),
    "torch.Generator": torch.Generator().manual_seed(5),
}


class TestKinds:
    @pytest.mark.parametrize("kind", KINDS)
    def test_come_back_bit_for_bit(self, kind: str) -> None:
        assert bits(through_file(KINDS[kind])) == bits(KINDS[kind])

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_frozen_copy_comes_back_too(self, kind: str) -> None:
        """That of the best epoch, which is written later than it was taken."""
        snapshot = state.cloned(state.take_snapshot("study/0", 1, 0.0, {"it": Holder(KINDS[kind])}))
        assert bits(state.unpack(state.pack(snapshot)).object_state("it")["value"]) == bits(KINDS[kind])

    @pytest.mark.parametrize("made", [np.arange(3.0), Best(1.0, None, [1]), deque_of(None), {"a": [1]}], ids=repr)
    def test_a_frozen_copy_does_not_change_with_the_training(self, made: Any) -> None:
        holder = Holder(made)
        snapshot = state.cloned(state.take_snapshot("study/0", 1, 0.0, {"it": holder}))
        before = bits(made)
        match made:
            case np.ndarray():
                made += 1
            case Best():
                made.seen.append(2)
            case dict():
                made["a"].append(2)
            case _:
                made.append(2)
        assert bits(made) != before
        assert bits(snapshot.object_state("it")["value"]) == before

    def test_a_state_that_is_a_tuple(self) -> None:
        stored = state.unpack(state.pack(state.take_snapshot("study/0", 1, 0.0, {"it": TupleState(np.float32(2))})))
        again = TupleState()
        state.restore(again, stored.object_state("it"))
        assert bits(again.value) == bits(np.float32(2))

    def test_what_is_plain_is_stored_as_ever(self) -> None:
        """A checkpoint of an earlier version has nothing else."""
        plain = {"model": torch.nn.Linear(2, 1).state_dict(), "epochs": [1, 2, {"a": (None, "x")}]}
        assert plain_state.to_plain(plain) is plain
        assert plain_state.from_plain(plain) is plain

    def test_tensors_that_share_memory_still_do(self) -> None:
        one = torch.ones(2)
        first, second = through_file([one, collections.deque([one])])
        first += 1
        assert second[0].tolist() == [2.0, 2.0]


class Loader:
    """What keeps its place in the data: the order of an epoch, drawn by a generator of its own."""

    def __init__(self) -> None:
        self.generator, self.order, self.at = torch.Generator().manual_seed(3), np.arange(0), 0

    def next(self) -> int:
        if self.at == len(self.order):
            self.order, self.at = torch.randperm(5, generator=self.generator).numpy(), 0
        self.at += 1
        return int(self.order[self.at - 1])

    def state_dict(self) -> Any:
        return {"generator": self.generator, "order": self.order, "at": self.at}

    def load_state_dict(self, found: Any) -> None:
        vars(self).update(found)


def test_a_loader_goes_on_at_its_place() -> None:
    loader, other = Loader(), Loader()
    for _ in range(7):
        loader.next()
    stored = state.unpack(state.pack(state.take_snapshot("study/0", 3, 0.0, {"loader": loader})))
    state.restore(other, stored.object_state("loader"))
    assert [other.next() for _ in range(20)] == [loader.next() for _ in range(20)]


class DictOfOwn(dict[str, int]): ...


def local_class() -> Any:
    @dataclasses.dataclass
    class Local:
        a: int = 1

    return Local()


def circle() -> Any:
    found: list[Any] = []
    found.append(found)
    return found


class TestRefused:
    @pytest.mark.parametrize(
        ("value", "where"),
        [
            (lambda: None, "['value']"),
            ([1, print], "['value'][1]"),
            ({"best": {"of": Plain()}}, "['value']['best']['of']"),
            (DictOfOwn(a=1), "['value']"),
            (np.ma.masked_array([1.0]), "['value']"),
            (Best(0.0, Plain()), "['value'].weights"),
            (collections.defaultdict(lambda: 1), "['value']"),
            (local_class(), "['value']"),
            (Removes("x"), "['value']"),
            (OwnFlag.ONE, "['value']"),
            (np.array([Plain()], dtype=object), "['value'][0]"),
            (torch.nn.Linear(1, 1), "['value']"),
            (Best, "['value']"),
            ({Plain(): 1}, "['value']"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_the_object_and_the_place_are_named(self, value: Any, where: str) -> None:
        with pytest.raises(state.NotSerializable) as refused:
            state.pack(state.take_snapshot("study/0", 1, 0.0, {"helper": Holder(value)}))
        assert "run.track(helper=…)" in str(refused.value)
        assert where in str(refused.value)

    @pytest.mark.parametrize("freeze", [lambda snapshot: snapshot, state.cloned], ids=["itself", "frozen"])
    def test_a_value_that_holds_itself(
        self, freeze: collections.abc.Callable[[state.Snapshot], state.Snapshot]
    ) -> None:
        snapshot = freeze(state.take_snapshot("study/0", 1, 0.0, {"helper": Holder(circle())}))
        with pytest.raises(state.NotSerializable):
            state.pack(snapshot)


class TestSafety:
    """A file may name what it likes: nothing of it is imported, called or set through a method."""

    def tagged(self, kind: str, value: Any, module: str, name: str) -> Any:
        return plain_state.from_plain({plain_state.KIND: kind, "value": value, "extra": [module, name]})

    def test_no_constructor_or_setter_is_called(self) -> None:
        stored = plain_state.to_plain(Checked(5))
        Checked.calls.clear()
        found = plain_state.from_plain(stored)
        assert (found.value, Checked.calls) == (5, [])

    @pytest.mark.parametrize("kind", ["dataclass", "named tuple", "enum", "flag"])
    @pytest.mark.parametrize(
        ("module", "name"),
        [("subprocess", "Popen"), ("builtins", "type"), (__name__, "Removes"), (__name__, "Plain")],
    )
    def test_a_class_of_another_kind_is_refused(self, kind: str, module: str, name: str) -> None:
        with pytest.raises(ValueError, match=name):
            self.tagged(kind, {}, module, name)

    def test_nothing_is_imported(self) -> None:
        import sys

        with pytest.raises(ValueError, match=r"antigravity\.Best, which this process has not imported"):
            self.tagged("dataclass", {"a": 1}, "antigravity", "Best")
        assert "antigravity" not in sys.modules

    def test_a_function_is_no_class(self) -> None:
        with pytest.raises(ValueError, match=r"os\.system"):
            self.tagged("enum", "x", "os", "system")

    def test_an_unknown_kind_is_refused(self) -> None:
        with pytest.raises(ValueError, match="does not know"):
            plain_state.from_plain({plain_state.KIND: "exec", "value": "1"})
