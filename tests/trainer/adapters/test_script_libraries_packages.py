"""Scripts with the real libraries that read their options: `make test-frameworks`.

Each script has a bool that is True by default: if the flag for False is wrong, the trial trains with True.
"""

import pytest

from tests.trainer.adapters.programs import PATTERN, Programs

LOOP = """
w = 1.0
for epoch in range(num_epochs):
    w -= learning_rate * w
    print("val_loss", w if use_amp else -w)
"""
FUNCTION = "learning_rate: float = 0.1, num_epochs: int = 10, use_amp: bool = True"
FIELDS = "learning_rate: float = 0.1\n    num_epochs: int = 10\n    use_amp: bool = True\n"
INDENTED = LOOP.replace("\n", "\n    ")
UNPACKED = f"learning_rate, num_epochs, use_amp = args.learning_rate, args.num_epochs, args.use_amp{LOOP}"

SCRIPTS = {
    "typer": f"import typer\ndef main({FUNCTION}):{INDENTED}\ntyper.run(main)",
    "fire": f"import fire\ndef main({FUNCTION}):{INDENTED}\nfire.Fire(main)",
    "jsonargparse": f"from jsonargparse import CLI\ndef main({FUNCTION}):{INDENTED}\nCLI(main)",
    "click": (
        "import click\n@click.command()\n@click.option('--learning-rate', default=0.1)\n"
        "@click.option('--num-epochs', default=10)\n@click.option('--use-amp/--full', default=True)\n"
        f"def main(learning_rate, num_epochs, use_amp):{INDENTED}\nmain()"
    ),
    "absl": (
        "from absl import app, flags\nflags.DEFINE_float('learning_rate', 0.1, '')\n"
        "flags.DEFINE_integer('num_epochs', 10, '')\nflags.DEFINE_bool('use_amp', True, '')\nargs = flags.FLAGS\n"
        f"def main(argv):\n    {UNPACKED.replace(chr(10), chr(10) + '    ')}\napp.run(main)"
    ),
    "tyro": (
        "import tyro\nfrom dataclasses import dataclass\n@dataclass\nclass Args:\n    "
        f"{FIELDS}args = tyro.cli(Args)\n{UNPACKED}"
    ),
    "simple_parsing": (
        "from simple_parsing import parse\nfrom dataclasses import dataclass\n@dataclass\nclass Args:\n    "
        f"{FIELDS}args = parse(Args)\n{UNPACKED}"
    ),
    "tap": f"from tap import Tap\nclass Args(Tap):\n    {FIELDS}args = Args().parse_args()\n{UNPACKED}",
    "transformers": (
        "from transformers import HfArgumentParser\nfrom dataclasses import dataclass\n@dataclass\nclass Args:\n    "
        f"{FIELDS}(args,) = HfArgumentParser(Args).parse_args_into_dataclasses()\n{UNPACKED}"
    ),
    "hydra": (
        "import hydra\nfrom hydra.core.config_store import ConfigStore\n"
        "ConfigStore.instance().store('config', {'learning_rate': 0.1, 'num_epochs': 10, 'use_amp': True})\n"
        "@hydra.main(version_base=None, config_name='config')\n"
        f"def main(args):\n    {UNPACKED.replace(chr(10), chr(10) + '    ')}\nmain()"
    ),
    "omegaconf": (
        "from omegaconf import OmegaConf\nargs = OmegaConf.merge({'use_amp': True}, OmegaConf.from_cli())\n" + UNPACKED
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_its_options(programs: Programs, name: str) -> None:
    pytest.importorskip(name, reason=f"needs {name}: make test-frameworks")
    program = programs.script(SCRIPTS[name], style="auto", metrics=PATTERN)
    for use_amp, sign in ((True, 1), (False, -1)):
        params = {"learning_rate": 0.5, "use_amp": use_amp}
        assert programs.curve(program, params, options={"num_epochs": "{epochs}"}) == [
            sign * 0.5**epoch for epoch in range(1, 5)
        ]
