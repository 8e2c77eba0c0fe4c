"""Each file is written, and read; none is imported: all begin with what would end the import."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.trainer.source.source_check import SourceCheck, check

HEAD = "raise SystemExit\nfrom dataclasses import dataclass, field\nimport dataclasses, functools\n"
YIELDS = "    yield {'val_loss': 1.0}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    assert "mine" not in sys.modules


def found(folder: Path, text: str, *given: str, use: str = "mine:train", metric: str = "val_loss") -> SourceCheck:
    (folder / "mine.py").write_text(HEAD + text)
    return check("the key", use, folder, set(given or ("x",)), {metric})


def messages(folder: Path, text: str, *given: str, use: str = "mine:train") -> list[str]:
    return [fault.message for fault in found(folder, text, *given, use=use).faults]


class TestNames:
    def test_a_module(self, folder: Path) -> None:
        (message,) = messages(folder, "", use="mien:train")
        assert message.endswith('; did you mean "mine:train"?')

    def test_a_file(self, folder: Path) -> None:
        (message,) = messages(folder, "", use="../mine.py:train")
        assert "no file ../mine.py" in message

    def test_a_function(self, folder: Path) -> None:
        (message,) = messages(folder, "def train(params, run):\n" + YIELDS, use="mine:trian")
        assert message == "the key: mine has no `trian`; did you mean `train`?"

    def test_a_syntax_error(self, folder: Path) -> None:
        (message,) = messages(folder, "def train(params, run)\n" + YIELDS)
        assert f"{folder}/mine.py:4: expected ':'" in message

    @pytest.mark.parametrize(
        "text",
        [
            "from elsewhere import *\n",
            "def __getattr__(name):\n    return print\n",
            "globals()['train'] = print\n",
            "from not_there import train\n",
            "import train\n",
            "train = functools.partial(print)\n",
            "train = not_there.train\n",
            "for train in (1, 2): pass\n",
            "with open('x') as train: pass\n",
            "if dataclass:\n    def train(params, run):\n        yield\nelse:\n    train = 3\n",
            "try:\n    from fast import train\nexcept ImportError:\n    def train(params, run):\n        yield\n",
            "if (train := print): pass\n",
            "@decorated\ndef train():\n    pass\n",
            "class train(Base):\n    pass\n",
            "train, other = make()\n",
        ],
    )
    def test_what_the_text_does_not_decide(self, folder: Path, text: str) -> None:
        assert messages(folder, text) == []

    def test_a_module_without_source_and_one_that_is_installed(self, folder: Path) -> None:
        for use in ("math:sqrt", "json.decoder:JSONDecoder", "numpy:mean"):
            assert messages(folder, "", use=use) == []

    def test_through_imports_and_other_names(self, folder: Path) -> None:
        (folder / "beside_it.py").write_text("def fit():\n    yield 1\n")
        (message,) = messages(folder, "from beside_it import fit as inner\ntrain = inner\n")
        assert "no parameters" in message


class TestForm:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("class train:\n    pass\n", "is a class"),
            ("train = 3\n", "is an object of type int"),
            ("async def train(params, run):\n    yield {}\n", None),
            ("async def train(lr, run):\n" + YIELDS, None),
            ("async def train(params, run):\n    await fit(params, run)\n", None),
            ("async def train(params):\n    await fit(params)\n", "neither yields"),
            ("def train():\n" + YIELDS, "takes no parameters of a trial"),
            ("def train(params, run):\n    print(params)\n", None),
            ("def train(params):\n    print(params)\n", "neither yields, nor returns a value, nor reports"),
            ("def train(params):\n    def inner():\n        yield 1\n", "neither yields"),
            ("def train(params):\n    hpsearch.report(1, {})\n", None),
            ("def train(params):\n    callback = HpsearchCallback()\n", None),
            ("def train(params):\n    return 3\n", None),
            ("def train(params):\n    raise ValueError\n", None),
            ("def train(params, run):\n    yield from inner(params, run)\n", None),
            ("def train(*args, **kwargs):\n" + YIELDS, None),
            ("import ray.tune\ndef train(config):\n    ray.tune.report({})\n", None),
        ],
    )
    def test_is_a_trainer(self, folder: Path, text: str, words: str | None) -> None:
        if text.startswith("def train(params, run):\n    print"):
            text = text.replace("print(params)", "fit(params, run)")
        faults = messages(folder, text)
        assert len(faults) == (words is not None)
        assert words is None or words in faults[0]


PARAMS = "@dataclass\nclass Params:\n    width: int\n    depth: int = 3\n    kind: list = field(default_factory=list)\n"
TYPED = "def train(params: Params, run):\n" + YIELDS


class TestParameters:
    @pytest.mark.parametrize(
        ("text", "given", "wrong"),
        [
            (PARAMS + TYPED, "width", []),
            (PARAMS + TYPED, "width widht", ["widht"]),
            (PARAMS + TYPED, "depth", [""]),
            (PARAMS + TYPED, "widht detph", ["detph", "widht", ""]),
            (PARAMS.replace("@dataclass", "@dataclasses.dataclass(frozen=True)") + TYPED, "widht width", ["widht"]),
            (PARAMS + TYPED.replace(": Params", ": 'Params'"), "widht width", ["widht"]),
            (PARAMS + "    seen: int = field(init=False)\n" + TYPED, "seen width", ["seen"]),
            (
                PARAMS + "@dataclass\nclass More(Params):\n    more: int\n" + TYPED.replace("Params", "More"),
                "more",
                [""],
            ),
            (PARAMS.replace("Params:", "Params(Elsewhere):") + TYPED, "widht", []),
            (PARAMS.replace("@dataclass", "@made") + TYPED, "widht", []),
            ("from elsewhere import Params\n" + TYPED, "widht", []),
            ("class Params(dict):\n    pass\n" + TYPED, "widht", []),
            ("def train(params: dict, run):\n" + YIELDS, "widht", []),
            ("def train(width, depth=3):\n    return 1\n", "width", []),
            ("def train(width, depth=3):\n    return 1\n", "width widht", ["widht"]),
            ("def train(width, depth):\n    return 1\n", "width", [""]),
            ("def train(width, run, *, depth):\n    return 1\n", "width", [""]),
            ("def train(width, **more):\n    return 1\n", "width any", []),
            ("def train(config, trial_run):\n" + YIELDS, "width", []),
            ("def train(params, verbose=False):\n    return 1\n", "width", []),
        ],
    )
    def test_that_the_trainer_takes(self, folder: Path, text: str, given: str, wrong: list[str]) -> None:
        """ "": a parameter that it needs is not given."""
        assert [fault.parameter for fault in found(folder, text, *given.split()).faults] == wrong

    def test_of_a_dataclass_elsewhere(self, folder: Path) -> None:
        (folder / "beside_it.py").write_text("from dataclasses import dataclass\n" + PARAMS)
        (fault,) = found(folder, "from beside_it import Params\n" + TYPED, "width", "widht").faults
        assert fault.message == "beside_it.Params has no `widht`; did you mean `width`?"


class TestMetrics:
    @pytest.mark.parametrize(
        ("line", "metric", "warned"),
        [
            ("yield {'val_loss': 1}", "val_loss", False),
            ("yield {'val_los': 1}", "val_loss", True),
            ("yield dict(val_loss=1)", "val_loss", False),
            ("yield {f'{part}_loss': 1}", "val_loss", False),
            ("yield {part + '_loss': 1}", "val_loss", False),
            ("yield {'val': {'loss': 1}}", "val/loss", False),
            ("yield {'val': {'los': 1}}", "val/loss", True),
        ],
    )
    def test_that_stands_nowhere(self, folder: Path, line: str, metric: str, warned: bool) -> None:
        text = f"def train(params, run):\n    {line}\n"
        assert ([*found(folder, text, metric=metric).warnings] == [metric]) is warned

    def test_in_a_file_that_is_imported(self, folder: Path) -> None:
        (folder / "beside_it.py").write_text("def loop():\n    yield {'val_loss': 1}\n")
        text = "import beside_it\ndef train(params, run):\n    yield from beside_it.loop()\n"
        assert not found(folder, text).warnings

    def test_a_function_names_none(self, folder: Path) -> None:
        """What it returns is the metric, whatever it is called."""
        assert not found(folder, "def train(params):\n    return 3.0\n").warnings
