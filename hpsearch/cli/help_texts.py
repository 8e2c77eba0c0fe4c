"""Texts of `--help`, and of `hpsearch` without a command."""

import argparse
import shlex
import textwrap
from pathlib import Path

from hpsearch.core.errors import BadInput
from hpsearch.core.folders import study_home

EXAMPLES = {
    "quickstart": "hpsearch quickstart first-study",
    "init": "hpsearch init --example heart-recipe my-study",
    "check": "hpsearch check study.toml",
    "plan": "hpsearch plan study.toml --set search.trials=50",
    "simulate": "hpsearch simulate study.toml --from my-study --workers 1 4",
    "preflight": "hpsearch preflight study.toml",
    "run": "hpsearch run study.toml --set search.trials=50 --set resources.workers=4",
    "import": "hpsearch import results.csv --into study.toml --columns lr=learning_rate --same-trainer",
    "extend": "hpsearch extend study.toml --epochs 60 --best 5",
    "status": "hpsearch status study.toml --watch",
    "show": "hpsearch show study.toml 7",
    "logs": "hpsearch logs study.toml 7 --follow",
    "best": "hpsearch best study.toml",
    "compare": "hpsearch compare study-a study-b",
    "doctor": "hpsearch doctor study.toml --worst",
    "report": "hpsearch report study.toml -o report.html",
    "evaluate": "hpsearch evaluate study.toml --top 3 --seeds 5",
    "reproduce": "hpsearch reproduce study.toml 7",
    "promote": "hpsearch promote study.toml --as digits --alias champion",
    "export": "hpsearch export study.toml --format csv -o trials.csv",
    "stop": "hpsearch stop study.toml",
    "sync": "hpsearch sync study.toml",
    "ui": "hpsearch ui --home studies/.hpsearch",
    "submit": "hpsearch submit study.toml --address http://head:8265 --follow",
    "db": "hpsearch db upgrade study.toml",
    "config": "hpsearch config",
    "completion": "hpsearch completion bash > ~/.local/share/bash-completion/completions/hpsearch",
}
"""An example call of each command."""

VARIABLES = {
    "HPSEARCH_HOME": "folder of journal, MLflow and checkpoints; see `hpsearch config`",
    "HPSEARCH_DATA": "folder of data sets that trainers read (run.data_dir)",
}
TRAINS = {"quickstart", "preflight", "run", "extend", "evaluate", "reproduce"}
"""Commands that train, and so read both variables."""

WITHOUT_HOME = {"init", "check", "submit", "completion"}


def variables(verb: str) -> str:
    """The environment variables that a command reads, a line each; "" for none."""
    names = [*["HPSEARCH_HOME"] * (verb not in WITHOUT_HOME), *["HPSEARCH_DATA"] * (verb in TRAINS)]
    return "\n".join(f"  {name}  {VARIABLES[name]}" for name in names)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Names with hyphens, such as those of `init --example`, are not broken: they can be copied."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)


def next_steps() -> str:
    """What to do in this folder: with the first study file in it, or without one."""
    studies = sorted(path.name for path in Path().glob("*.toml") if path.name != "pyproject.toml")
    if _has_journal():
        first = [("hpsearch status", "the studies that are recorded here")]
    elif not studies:
        first = [
            ("hpsearch quickstart", "write and run a small example study"),
            ("hpsearch init", "write a study file and a trainer to start from"),
        ]
    else:
        first = []
    if studies:
        file = shlex.quote("study.toml" if "study.toml" in studies else studies[0])
        first += [(f"hpsearch check {file}", "all errors of the file"), (f"hpsearch run {file}", "run or continue it")]
    lines = [*first, ("hpsearch --help", "all commands")]
    width = max(len(command) for command, _ in lines)
    return "\n".join(f"  {command:<{width}}  {about}" for command, about in lines)


def _has_journal() -> bool:
    try:
        return (study_home(Path()) / "journal.db").exists()
    except BadInput:  # of the settings: `hpsearch config` reports it
        return False
