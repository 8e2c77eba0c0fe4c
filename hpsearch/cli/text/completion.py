"""Scripts that complete the commands and options of hpsearch in a shell."""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOP_OPTIONS = ("--help", "--version")
"""The options of hpsearch without a command."""


@dataclass(frozen=True)
class Option:
    """names: such as ("-o", "--output"). takes_value: whether a word follows. values: the valid words, if listed."""

    names: tuple[str, ...]
    about: str
    takes_value: bool
    values: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """words: the choices of its positional arguments; the others are files or names."""

    name: str
    about: str
    options: tuple[Option, ...]
    words: tuple[str, ...]


def commands_of(about: Mapping[str, str], parsers: Mapping[str, ArgumentParser]) -> list[Command]:
    """All commands, and `hpsearch help COMMAND`."""
    commands = [Command(name, about[name], *_of_parser(parser)) for name, parser in parsers.items()]
    return [*commands, Command("help", "show the options of a command", (), tuple(parsers))]


def _of_parser(parser: ArgumentParser) -> tuple[tuple[Option, ...], tuple[str, ...]]:
    options: list[Option] = []
    words: list[str] = []
    for action in parser._actions:
        values = tuple(map(str, action.choices or ()))
        if action.option_strings:
            names = tuple(action.option_strings)
            options.append(Option(names, (action.help or "").split(";")[0], action.nargs != 0, values))
        else:
            words += values
    return tuple(options), tuple(words)


def script(shell: str, commands: Sequence[Command]) -> str:
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands)


def _bash(commands: Sequence[Command]) -> str:
    cases = []
    for command in commands:
        names = [name for option in command.options for name in option.names]
        cases.append(f'    {command.name}) options="{" ".join(names)}" words="{" ".join(command.words)}" ;;')
        for option in command.options:
            if option.values:
                keys = "|".join(f"{command.name}:{name}" for name in option.names)
                cases.append(f'    {keys}) options="" words="{" ".join(option.values)}" ;;')
    choices, plain = [one for one in cases if ":-" in one], [one for one in cases if ":-" not in one]
    return "\n".join(
        [
            "# hpsearch completion bash > ~/.local/share/bash-completion/completions/hpsearch",
            "_hpsearch() {",
            '  local current="${COMP_WORDS[COMP_CWORD]}" options="" words=""',
            '  case "${COMP_WORDS[1]}:${COMP_WORDS[COMP_CWORD-1]}" in',
            *choices,
            '    *) case "${COMP_WORDS[1]}" in',
            *(f"  {line}" for line in plain),
            "    esac ;;",
            "  esac",
            '  if [ "$COMP_CWORD" -eq 1 ]; then',
            f'    options="{" ".join(TOP_OPTIONS)}" words="{" ".join(command.name for command in commands)}"',
            "  fi",
            '  if [[ "$current" == -* ]]; then words="$options"; fi',
            '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -o default -F _hpsearch hpsearch",
        ]
    )


def _zsh(commands: Sequence[Command]) -> str:
    lines = [
        "#compdef hpsearch",
        "# hpsearch completion zsh > a folder of $fpath, as _hpsearch",
        "_hpsearch() {",
        "  if (( CURRENT == 2 )); then",
        f"    if [[ $words[2] == -* ]]; then compadd -- {' '.join(TOP_OPTIONS)}; return; fi",
        "    local -a commands=(",
        *(f"      {_quoted(f'{command.name}:{command.about}')}" for command in commands),
        "    )",
        "    _describe command commands",
        "    return",
        "  fi",
        "  local command=$words[2]",
        "  shift words; (( CURRENT-- ))",
        "  case $command in",
    ]
    for command in commands:
        given = [_zsh_option(name, option) for option in command.options for name in option.names]
        rest = f"*:argument:({' '.join(command.words)})" if command.words else "*:file:_files"
        lines.append(f"    {command.name}) _arguments {' '.join(map(_quoted, [*given, rest]))} ;;")
    return "\n".join([*lines, "  esac", "}", "(( $+functions[compdef] )) && compdef _hpsearch hpsearch"])


def _zsh_option(name: str, option: Option) -> str:
    about = option.about.replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    values = f"({' '.join(option.values)})" if option.values else "_files"
    return f"*{name}[{about}]" + (f":value:{values}" if option.takes_value else "")


def _fish(commands: Sequence[Command]) -> str:
    lines = ["# hpsearch completion fish > ~/.config/fish/completions/hpsearch.fish"]
    lines += [f"complete -c hpsearch -n __fish_use_subcommand -f -l {name[2:]}" for name in TOP_OPTIONS]
    for command in commands:
        first = f"complete -c hpsearch -n __fish_use_subcommand -f -a {command.name}"
        lines.append(f"{first} -d {_quoted(command.about)}")
        within = f"complete -c hpsearch -n '__fish_seen_subcommand_from {command.name}'"
        if command.words:
            lines.append(f"{within} -f -a {_quoted(' '.join(command.words))}")
        for option in command.options:
            names = " ".join(f"-l {one[2:]}" if one.startswith("--") else f"-s {one[1:]}" for one in option.names)
            values = f' -r -f -a "{_without_about(option.values)}"' if option.values else " -r" * option.takes_value
            lines.append(f"{within} {names}{values} -d {_quoted(option.about)}")
    return "\n".join(lines)


def _without_about(words: Sequence[str]) -> str:
    """fish would show the description of their option with each of them."""
    return " ".join(f"{word}\\t''" for word in words)


def _quoted(text: str) -> str:
    escaped = text.replace("'", "'\\''")
    return f"'{escaped}'"
