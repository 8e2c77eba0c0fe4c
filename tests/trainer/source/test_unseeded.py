"""Sources are read, never run."""

from pathlib import Path

import pytest

from hpsearch.provenance.sources import Sources
from hpsearch.trainer.source.unseeded import SEED_OF_PROGRAM, script_without_seed, unseeded

IMPORTS = "import os, random, time, secrets, torch\nimport numpy as np\nfrom datetime import datetime\n"
TRAIN = "def train(params, run):\n    {}\n    yield {{'val_loss': 1.0}}\n"


def warning(folder: Path, text: str, entry: str = "train") -> str:
    file = folder / "mine.py"
    file.write_text(IMPORTS + text)
    return unseeded(Sources({"mine": file}), entry, "run.seed" if entry else SEED_OF_PROGRAM)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("rng = np.random.default_rng()", "without a seed"),
        ("rng = np.random.default_rng(None)", "without a seed"),
        ("rng = np.random.default_rng(seed=None)", "write `np.random.default_rng(run.seed)`"),
        ("rng = np.random.RandomState()", "without a seed"),
        ("rng = np.random.Generator(np.random.PCG64())", "calls `np.random.PCG64` without a seed"),
        ("rng = random.Random()", "write `random.Random(run.seed)`"),
        ("rng = random.SystemRandom()", "which has no seed: its numbers differ in every run"),
        ("from random import Random; rng = Random()", "without a seed"),
        ("random.seed()", "leave it out"),
        ("np.random.seed(None)", "without a seed"),
        ("torch.seed()", "without a seed"),
        ("torch.Generator().seed()", "without a seed"),
        ("generator = torch.Generator(); generator.seed()", "without a seed"),
        ("torch.cuda.seed_all()", "leave it out"),
        ("rng = secrets.SystemRandom()", "write `random.Random(run.seed)`"),
        ("key = jax.random.PRNGKey(time.time_ns())", "write `jax.random.PRNGKey(run.seed)`"),
        ("torch.manual_seed(time.time_ns())", "with a seed from `time.time_ns`"),
        ("seed = int(time.time()); torch.manual_seed(seed)", "with a seed from `time.time`"),
        ("torch.manual_seed(int(datetime.now().timestamp()))", "with a seed from `datetime.now`"),
        ("np.random.seed(os.getpid())", "with a seed from `os.getpid`"),
        ("torch.Generator().manual_seed(int.from_bytes(os.urandom(4), 'big'))", "with a seed from `os.urandom`"),
        ("rng = np.random.default_rng(secrets.randbits(64))", "with a seed from `secrets.randbits`"),
    ],
)
def test_numbers_that_no_seed_determines(tmp_path: Path, line: str, expected: str) -> None:
    found = warning(tmp_path, TRAIN.format(line))
    assert expected in found
    assert found.startswith("line 5 of mine.py calls ")


@pytest.mark.parametrize(
    "line",
    [
        "rng = np.random.default_rng(run.seed)",
        "rng = np.random.default_rng([run.seed, 1])",
        "rng = random.Random(run.seed)",
        "generator = torch.Generator()",  # has the same seed in every process
        "generator = torch.Generator(); generator.manual_seed(0)",
        "rng = random.Random(); rng.seed(run.seed)",
        "rng = params.get('rng') or np.random.default_rng()",
        "rng = np.random.default_rng() if run is None else np.random.default_rng(run.seed)",
        "if run is None: torch.seed()",
        "name = f'{time.time()}-{os.getpid()}'; torch.manual_seed(run.seed)",
        "seed = run.seed if run else int(time.time()); torch.manual_seed(seed)",
        "run.env.seed()",
        "rng = factory.Random()",
    ],
)
def test_sound_numbers(tmp_path: Path, line: str) -> None:
    assert warning(tmp_path, TRAIN.format(line)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "def train(params, run, rng=np.random.default_rng()):\n    yield {}\n",
        "def unused():\n    return np.random.default_rng()\ndef train(params, run):\n    yield {}\n",
        "def a():\n    b()\ndef b():\n    random.seed()\ndef train(params, run):\n    yield {}\n",
        "class Other:\n    rng = random.Random()\ndef train(params, run):\n    yield {}\n",
        "def b():\n    random.seed()\nif __name__ == '__main__':\n    b()\n" + TRAIN.format("pass"),
        "def seed_everything(seed): ...\ndef train(params, run):\n    seed_everything(time.time())\n",
        "random.seed(",
    ],
)
def test_code_that_need_not_run(tmp_path: Path, text: str) -> None:
    assert warning(tmp_path, text) == ""


def test_a_function_that_a_method_calls(tmp_path: Path) -> None:
    text = "def b():\n    random.seed()\nclass Data:\n    def load(self):\n        b()\n" + TRAIN.format(
        "Data().load()"
    )
    assert warning(tmp_path, text).startswith("line 5 of mine.py")


def test_a_program_runs_its_main_part(tmp_path: Path) -> None:
    found = warning(tmp_path, "if __name__ == '__main__':\n    rng = np.random.default_rng()\n", entry="")
    assert f"write `np.random.default_rng({SEED_OF_PROGRAM})`" in found


def test_an_object_of_a_notebook() -> None:
    own = Sources(texts={"__main__:train": TRAIN.format("rng = np.random.default_rng()")})
    assert unseeded(own, "train", "run.seed").startswith("`train` calls `np.random.default_rng` without a seed")


@pytest.mark.parametrize(
    ("text", "packages", "given", "is_said"),
    [
        ("import torch\n", {"torch"}, (), True),
        ("import torch\ntorch.manual_seed(0)\n", {"torch"}, (), False),
        ("import torch\nfrom helpers import set_seed\n", {"torch"}, (), False),
        ("import torch\n", {"torch"}, ("--seed", "{seed}"), False),
        ("import torch\nfrom ultralytics import YOLO\n", {"torch", "ultralytics"}, (), False),
        ("print('val_loss 1')\n", set(), (), False),
    ],
)
def test_a_program_that_sets_no_seed(
    tmp_path: Path, text: str, packages: set[str], given: tuple[str, ...], is_said: bool
) -> None:
    file = tmp_path / "train.py"
    file.write_text(text)
    found = script_without_seed(Sources({"train.py": file}, packages), given)
    assert found.startswith("train.py sets no seed") is is_said
    assert bool(found) is is_said
