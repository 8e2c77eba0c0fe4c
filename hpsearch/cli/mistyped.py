"""What was meant by an unknown command, option or argument, such as the words of other tools."""

import argparse
import difflib
import shlex
from collections.abc import Collection, Sequence

SETTINGS = {
    "address": "resources.address",
    "epochs": "trainer.epochs",
    "goal": "study.goal",
    "method": "search.method",
    "metric": "study.metric",
    "name": "study.name",
    "seed": "study.seed",
    "steps": "trainer.steps",
    "trials": "search.trials",
    "workers": "resources.workers",
}
"""Keys of the study file that people try as options, by the option's name."""

OTHER_WORDS = {
    "run study.toml": "agent continue execute fit go launch optimise optimize "
    "resume restart search start sweep train tune",
    "run study.toml --retry-failed": "retry",
    "run study.toml --fork NEW_NAME": "clone copy fork",
    "check study.toml": "dry-run lint test validate verify",
    "status": "experiments info jobs list ls progress ps studies watch",
    "show STUDY": "describe details get history inspect results result trial trials view",
    "best STUDY": "best-trial best-trials top winner",
    "logs STUDY TRIAL": "cat log output tail",
    "stop STUDY": "abort cancel end halt interrupt kill pause quit terminate",
    "init": "create create-study generate new setup",
    "quickstart": "demo example examples tutorial",
    "report STUDY": "html plot plots visualise visualize",
    "doctor STUDY": "debug diagnose explain",
    "export STUDY": "csv download dump save to-csv",
    "promote STUDY --as NAME": "deploy publish register register-model",
    "compare STUDY STUDY": "diff versus vs",
    "evaluate STUDY": "eval score",
    "ui": "browser dashboard gui mlflow open serve server web",
    "db upgrade": "migrate storage upgrade",
    "config": "configure env settings",
    "--version": "about version",
}
"""The words of other tools, by what is typed here."""

NOT_COMMANDS = {
    "ask": "asking and telling is for Python: hpsearch.Session",
    "tell": "asking and telling is for Python: hpsearch.Session",
    "join": "machines join through Ray: run `ray start --address=HEAD:6379` on this one, and the study with "
    'resources.address = "auto"',
    "delete": "no command deletes a study; to start again, use `hpsearch run study.toml --fork NEW_NAME`",
}
NOT_COMMANDS |= dict.fromkeys(("rm", "remove", "reset", "clean", "delete-study", "purge"), NOT_COMMANDS["delete"])

WITHOUT_STUDY = {
    "ui": "`hpsearch ui` shows all studies of a home; another one is named with --home FOLDER",
    "config": "`hpsearch config` shows the settings of the current folder, for all studies",
    "completion": "`hpsearch completion` takes the name of a shell: bash, zsh or fish",
}
"""Commands that take no study."""

OF_STUDY = ("--study", "--study-name", "--study-file", "--config", "--file", "--experiment", "-c", "-f", "-s")
"""Options of other tools that name the study or its file."""


def unknown_command(word: str, rest: Sequence[str], verbs: Collection[str]) -> str:
    """rest: the words after it."""
    from hpsearch.study.file.faults import did_you_mean

    start = f"`{word}` is not a command"
    if word.endswith(".toml"):
        return f"{start}; did you mean `hpsearch run {word}`?"
    lower = word.lower().replace("_", "-")
    if lower in NOT_COMMANDS:
        return f"{start}; {NOT_COMMANDS[lower]}"
    meant = next((ours for ours, words in OTHER_WORDS.items() if lower in words.split()), None)
    if meant is not None:
        return f"{start}; did you mean `{_with_arguments(meant, rest)}`?"
    return start + (did_you_mean(lower, verbs) or "; `hpsearch --help` lists all commands")


def _with_arguments(ours: str, rest: Sequence[str]) -> str:
    """The command with the user's arguments in place of the first placeholders."""
    words, given = ours.split(), [word for word in rest if not word.startswith("-")]
    places = [at for at, word in enumerate(words) if at and (word.isupper() or word == "study.toml")]
    for place, word in zip(places, given, strict=False):
        words[place] = shlex.quote(word)
    return " ".join(["hpsearch", *words])


def unrecognized(verb: str, unknown: Sequence[str], parser: argparse.ArgumentParser) -> str:
    """With the nearest option, or with what has the effect of the option."""
    start = f"unrecognized arguments: {' '.join(unknown)}"
    name = next((word.partition("=")[0] for word in unknown if word.startswith("-")), "")
    hint = _of_option(verb, name, parser) if name else _of_argument(verb, unknown, parser)
    return f"{start}; {hint}" if hint else start


def _of_option(verb: str, name: str, parser: argparse.ArgumentParser) -> str:
    options = [one for action in parser._actions for one in action.option_strings]
    settings = {f"--{key}": full for key, full in SETTINGS.items() if "--set" in options}
    study = next((one for one in parser._actions if not one.option_strings and one.dest in ("study", "file")), None)
    if name == "--trial" and any(one.dest == "trial" and not one.option_strings for one in parser._actions):
        return f"the trial's number is given without an option: `hpsearch {verb} STUDY NUMBER`"
    if name in OF_STUDY and study is not None:
        return f"the study is named without an option: `hpsearch {verb} {study.metavar or 'STUDY'}`"
    known = {one.lstrip("-"): one for one in [*options, *settings]}  # equal dashes are no likeness
    near = next((known[one] for one in difflib.get_close_matches(name.lstrip("-"), known, n=1)), "")
    if near in settings:
        return f"a key of the study file is changed with `--set {settings[near]}=VALUE`"
    return f"did you mean `{near}`?" if near else ""


def _of_argument(verb: str, unknown: Sequence[str], parser: argparse.ArgumentParser) -> str:
    if verb in WITHOUT_STUDY:
        return WITHOUT_STUDY[verb]
    has_output = any("--output" in action.option_strings for action in parser._actions)
    if has_output and "." in unknown[0]:
        return f"the file to write is named with `-o {shlex.quote(unknown[0])}`"
    if "=" in unknown[0] and any("--set" in action.option_strings for action in parser._actions):
        return f"a key of the study file is changed with `--set {shlex.quote(unknown[0])}`"
    places = [action for action in parser._actions if not action.option_strings]
    names = " ".join(str(action.metavar or action.dest.upper()) for action in places)
    return f"`hpsearch {verb}` takes no more than: {names}" if names else ""
