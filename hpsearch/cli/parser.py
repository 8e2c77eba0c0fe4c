"""The arguments and the help of all commands. Only the module of the called command is imported, so that `--help` stays
fast."""

import argparse
import importlib
import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from hpsearch import __version__
from hpsearch.cli.mistyped import unknown_command, unrecognized
from hpsearch.core.errors import BadInput
from hpsearch.core.folders import study_home
from hpsearch.core.format import printable

VERBS = {
    "quickstart": "write the first example study to a new folder, and run it",
    "init": "write an example study file and trainer",
    "check": "check a study file and list all its errors, without running it",
    "plan": "show what a study will run: rounds, trials, epochs, estimated time, first proposals",
    "simulate": "compare search methods and numbers of workers on recorded curves, without training",
    "preflight": "check whether the trainer can learn, find its learning rates, and measure its cost",
    "run": "run a study, or continue it where it stopped",
    "extend": "train the finished trials of a study longer, from their checkpoints",
    "import": "import results of a table, Optuna, MLflow or Ray Tune, for the sampler to learn from",
    "status": "show the progress of one study or of all",
    "show": "show a search with its rounds and decisions, or one trial with its parameters and curve",
    "logs": "print the output of a trial's process",
    "best": "show the best trial of a study",
    "compare": "compare studies: which is better, by how much, at what cost, and how they differ",
    "doctor": "diagnose the loss curves of a study or of one trial, and suggest changes",
    "report": "write an HTML report of a study, as one file that works offline",
    "evaluate": "train the best trials with new seeds, then evaluate them and ensembles once on the test set",
    "reproduce": "train a recorded trial again and compare the curves bit for bit",
    "promote": "register the best model of a study in MLflow's model registry",
    "export": "export a study as JSON, CSV, Parquet or an Optuna study",
    "stop": "stop a running study; it can be continued later",
    "sync": "send recorded results to MLflow that it does not have yet",
    "ui": "open the MLflow dashboard of the local store",
    "submit": "run a study as a Ray job on a cluster",
    "db": "show or upgrade the schema version of the journal database",
    "config": "show the settings that apply here, and where each is set",
    "completion": "print a script that completes commands and options in a shell",
}
"""Each is a module of hpsearch.cli: `arguments` adds its arguments to a parser, `run` yields its Answers."""

MODULES = {"import": "imports"}
"""The modules of commands with a name that is a keyword of Python."""

EPILOG = """exit codes:
  0    success
  1    bug in hpsearch
  2    invalid input
  3    no trial succeeded, or too many failed
  4    the study is already running
  5    infrastructure failed: run the command again
  6    a reproduced trial has different results
  130  stopped by Ctrl-C; 143: stopped by SIGTERM

`hpsearch COMMAND --help` shows the options of a command, with an example."""

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


def parsed(argv: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The module of the called command, and its arguments. SystemExit 0 after --help and --version, else 2."""
    words = [*argv[1:], "--help"] if argv[:1] == ["help"] else list(argv)
    top = _top_parser()
    at = next((at for at, word in enumerate(words) if not word.startswith("-")), len(words))
    _, unknown = top.parse_known_args(words[:at])
    if unknown:
        top.error(f"{unknown[0]} must come after a command: hpsearch COMMAND {unknown[0]}")
    if not words:
        sys.stderr.write(f"{top.format_usage()}\n{next_steps()}\n")
        raise SystemExit(2)
    verb = words[at] if at < len(words) else ""
    if verb not in VERBS:
        top.error(unknown_command(verb, words[at + 1 :], VERBS))
    parser, module = verb_parser(verb)
    args, unknown = parser.parse_known_args(words[at + 1 :])
    if unknown:
        parser.error(unrecognized(verb, unknown, parser))
    return module, args


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """The message may have the name of a file that a shell has put in place of `*`."""
        super().error(printable(message))


def _top_parser() -> argparse.ArgumentParser:
    top = _Parser(
        prog="hpsearch",
        usage="hpsearch [-h] [-V] COMMAND ...",
        description="Hyperparameter search for PyTorch, run like an experiment.",
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    top.add_argument("-V", "--version", action="version", version=f"hpsearch {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND")
    for verb, text in VERBS.items():
        subparsers.add_parser(verb, help=text)
    return top


def verb_parser(verb: str) -> tuple[argparse.ArgumentParser, ModuleType]:
    """The parser of one command, and its module."""
    module = importlib.import_module(f"hpsearch.cli.{MODULES.get(verb, verb)}")
    about = VERBS[verb]
    read = variables(verb)
    parser = _Parser(
        prog=f"hpsearch {verb}",
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"example:\n  {EXAMPLES[verb]}" + (f"\n\nenvironment variables:\n{read}" if read else ""),
        formatter_class=HelpFormatter,
    )
    module.arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress on stderr")
    parser.add_argument("-v", "--verbose", action="store_true", help="show tracebacks of errors")
    return parser, module


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
