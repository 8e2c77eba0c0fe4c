"""[trainer] of a study file: a function, or a program with its command line and its output."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hpsearch.core.trial import COMMAND, EPOCH
from hpsearch.study import placeholders
from hpsearch.study.file.faults import did_you_mean, show
from hpsearch.study.file.kinds import (
    ConfigPath,
    Count,
    LinePattern,
    MetricName,
    NestedValue,
    Pattern,
    RecordableName,
    Use,
    Words,
)
from hpsearch.study.file.section import OtherTables, Problems, Section
from hpsearch.study.output_patterns import STEPS
from hpsearch.study.program import INTERPRETERS, Program, Style, Take
from hpsearch.study.schedule import STEP
from hpsearch.study.space import Float
from hpsearch.study.translation.draft import flat

OF_PROGRAMS = ("style", "metrics", "report", "take", "metrics_file", "config", "resume", "cwd", "terminal")
"""Keys that are only for a command or a script."""


class Validation(Section):
    folds: Annotated[int, Field(ge=2, le=100)] = Field(
        description="number of folds; each trial trains one network per fold, validated on that fold"
    )


class Trainer(Section):
    use: Use = Field(
        COMMAND,
        description='"module:function" or "file.py:function", a generator; a ray.tune.Trainable, class or function; or '
        'a script such as "train.py", which gets `--name value` for each parameter',
    )
    from_python: Literal[True] | None = Field(
        None, description="written by hpsearch: the trainer is a Python object of the program that ran the study"
    )
    epochs: Count = Field(description="maximum epochs of one trial; or `steps` in its place")
    steps: Count | None = Field(
        None, exclude=True, description="maximum training steps of one trial, in place of epochs"
    )
    unit: Literal["epoch", "step", "evaluation"] | None = Field(
        None, description='the unit of a report, on screens; default: "epoch", or "step" with `steps`'
    )
    repeats: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="number of seeds that each trial trains; it reports their mean"
    )
    validation: Validation | None = Field(None, description="k-fold cross-validation in each trial")
    options: dict[RecordableName, NestedValue] = Field({}, description="fixed parameters of the trainer")
    nested: Literal[True] | None = Field(
        None, description="parameters with dots in their names, such as optimizer.lr, arrive as nested tables"
    )
    command: Words | None = Field(
        None, description='a program in place of `use`, such as ["python", "train.py", "--lr", "{lr}"]'
    )
    style: Style | None = Field(
        None, description="how a program gets the parameters without a placeholder in its command"
    )
    metrics: dict[MetricName, Pattern] | None = Field(
        None, description='metrics in the output of a program: { val_loss = "val_loss[=: ]+{number}" }'
    )
    report: LinePattern | None = Field(
        None, description="the line of a program's output that ends a report; default: the line with the study's metric"
    )
    take: Take | None = Field(None, description="which of a metric's values since the last report is used")
    metrics_file: str | None = Field(
        None, min_length=1, description="a file in place of the output: CSV, JSON lines, or with `metrics` a log"
    )
    config: ConfigPath | None = Field(
        None, description="a YAML, JSON, TOML, INI or Python file of a program; {config_file} is the trial's copy of it"
    )
    resume: Words | None = Field(None, description="arguments that are appended to the command of a continued trial")
    cwd: Literal["project", "scratch"] | None = Field(
        None, description="where a program runs: in the study's folder (default), or in the trial's own folder"
    )
    terminal: Literal[True] | None = Field(None, description="a program that needs a terminal gets one")
    measure: bool | None = Field(
        None, description="measure the steps of tracked torch optimizers: learning rate, size of a step, gradient"
    )

    @model_validator(mode="before")
    @classmethod
    def _with_epochs(cls, table: Any) -> Any:
        """Copy `steps` to `epochs`, so that the length of a trial has one name in the code."""
        if not isinstance(table, dict) or "steps" not in table:
            return table
        steps = table["steps"]
        is_valid = type(steps) is int and steps > 0
        return {"unit": STEP, "epochs": steps if is_valid else 1, **table}

    @model_validator(mode="before")
    @classmethod
    def _with_flat_options(cls, table: Any) -> Any:
        """Turn tables into options such as `optimizer.lr`, because the options of a program are not nested."""
        if not isinstance(table, dict) or not isinstance(options := table.get("options"), dict):
            return table
        is_program = "command" in table or Path(str(table.get("use", ""))).suffix in INTERPRETERS
        return {**table, "options": dict(flat(options))} if is_program else table

    @property
    def word(self) -> str:
        """See `Objective.unit`."""
        return self.unit or EPOCH

    @property
    def length_key(self) -> str:
        """The key in the file for the length of a trial."""
        return "trainer.steps" if self.steps is not None else "trainer.epochs"

    def added_to(self, others: OtherTables) -> OtherTables:
        """`others`, with the values of this table that other tables are checked against."""
        found = replace(others, epochs=self.epochs, epochs_key=self.length_key, unit=self.word)
        return replace(found, is_program=self.is_program)

    @property
    def measures_steps(self) -> bool:
        return self.measure is not False and not self.is_program

    @property
    def is_program(self) -> bool:
        return self.command is not None or Path(self.use).suffix in INTERPRETERS

    @property
    def program(self) -> Program | None:
        """The program; None if the trainer is a function or a class."""
        if not self.is_program:
            return None
        script = (INTERPRETERS.get(Path(self.use).suffix, ""), self.use)
        return Program(
            words=script if self.command is None else self.command,
            style=self.style or ("auto" if self.command is None else None),
            metrics=self.metrics or {},
            report=self.report or "",
            take=self.take or "last",
            metrics_file=self.metrics_file or "",
            config=self.config or "",
            resume=self.resume or (),
            in_scratch=self.cwd == "scratch",
            terminal=bool(self.terminal),
            nested=bool(self.nested),
            in_steps=self.word == STEP,
            in_epochs=self.word == EPOCH,
            by_step=self.take is not None and self.report is None,
        )

    def identity(self) -> dict[str, Any]:
        """The keys that must not change when a study is continued. repeats = 1 is left out: specs of earlier versions
        do not have it."""
        recorded = self.model_dump(mode="json", exclude_none=True, exclude={"measure", "unit"})
        return {key: value for key, value in recorded.items() if (key, value) != ("repeats", 1)}

    def problems(self, others: OtherTables) -> Problems:
        yield from self.problems_of_part(others)
        if self.is_program:
            yield from self._program_problems(others)
            return
        if self.use == COMMAND:
            description = Trainer.model_fields["use"].description
            yield ("trainer", "use"), f"is missing ({description}; or command = […] in its place)"
        for key in OF_PROGRAMS:
            if getattr(self, key) is not None:
                yield ("trainer", key), "is for programs: it needs `command`, or a script in `use`"

    def problems_of_part(self, others: OtherTables) -> Problems:
        if self.steps is not None and self.steps != self.epochs:
            yield ("trainer", "steps"), f"is beside epochs = {self.epochs}; leave one of them out"
        for name in self.options:
            if name in others.names:
                yield ("trainer", "options", name), f"`{name}` is in [space] too; leave one out"
        if self.nested:
            for name in sorted({*others.names, *self.options}):
                group = name.rpartition(".")[0]
                if group and group in {*others.names, *self.options}:
                    yield ("space", name), f"cannot be in a table `{group}`, which is a parameter itself"

    def _program_problems(self, others: OtherTables) -> Problems:
        if self.command is not None and self.use != COMMAND:
            yield ("trainer", "use"), "cannot be combined with `command`; leave one of them out"
        parameters = {*others.names, *self.options}
        taken, everywhere = set[str](), set[str]()
        built_in = placeholders.built_in(self.word == STEP, self.config is not None)
        for path, text in self._texts():
            for name in placeholders.names(text):
                if not placeholders.is_known(name, parameters if path[1] == "command" else (), built_in):
                    yield path, _unknown(name, parameters, built_in)
            everywhere |= placeholders.used(text)
            taken |= placeholders.used(text) if path[1] == "command" else set()
        for name in sorted(taken & parameters & built_in.keys()):
            path = ("trainer", "options", name) if name in self.options else ("space", name)
            yield path, f"{{{name}}} is {built_in[name]}; give the parameter another name"
        if self.config is not None and placeholders.CONFIG not in everywhere:
            example = 'command = ["python", "train.py", "--config", "{config_file}"]'
            yield ("trainer", "config"), f"needs {{config_file}}, the trial's copy of it, as in {example}"
        yield from self._not_passed(parameters, taken)
        if self.repeats > 1 and "seed" not in everywhere:
            yield (
                ("trainer", "repeats"),
                "needs {seed} in the command or in trainer.options: else all repeats are equal",
            )
        if self.validation is not None and "fold" not in everywhere:
            yield ("trainer", "validation"), "needs {fold} in the command or in trainer.options"
        for one in others.readable.parameters:
            if isinstance(one, Float) and one.auto:
                yield ("space", one.name), "auto = true needs a trainer in Python; give low and high"
        yield from self._output_problems(others)

    def _not_passed(self, parameters: set[str], taken: set[str]) -> Problems:
        """Parameters that the command has no place for; those of `config` are checked with its file."""
        if self.command is None or self.style is not None or self.config is not None or "params_file" in taken:
            return
        for name in sorted(parameters - taken):
            path = ("trainer", "options", name) if name in self.options else ("space", name)
            advice = 'or a `style`, such as style = "argparse"; or name its configuration file: `config`'
            yield path, f"trainer.command does not use it: write {{{name}}} there, {advice}"

    def _texts(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Each text with placeholders, and its key."""
        for key in ("command", "resume"):
            yield from ((("trainer", key, place), text) for place, text in enumerate(getattr(self, key) or ()))
        yield from ((("trainer", "options", name), text) for name, text in self.options.items() if type(text) is str)
        if self.metrics_file is not None:
            yield ("trainer", "metrics_file"), self.metrics_file

    def _output_problems(self, others: OtherTables) -> Problems:
        if self.metrics is not None and others.metric is not None and others.metric not in self.metrics:
            hint = did_you_mean(others.metric, self.metrics)
            yield ("trainer", "metrics"), f"has no pattern for study.metric = {show(others.metric)}{hint}"
        if self.report is not None and self.metrics is None:
            yield ("trainer", "report"), "needs trainer.metrics, the patterns of what it reports"
        if self.take is not None and self.report is None and not _reads_steps(self.metrics or {}):
            yield (
                ("trainer", "take"),
                "needs trainer.report, the line that ends a report, or a pattern with a group `step`",
            )
        own = {"scratch_dir", "checkpoint_dir", "number"}
        shared = self.cwd != "scratch" and not own & {*placeholders.names(self.metrics_file or "")}
        if self.metrics_file is not None and shared:
            yield (
                ("trainer", "metrics_file"),
                'is in a folder that parallel trials share: set cwd = "scratch", or begin it with {scratch_dir}/',
            )


def _reads_steps(patterns: Mapping[str, str]) -> bool:
    return any(f"(?P<{group}>" in pattern for pattern in patterns.values() for group in STEPS)


def _unknown(name: str, parameters: set[str], built_in: Iterable[str]) -> str:
    if name == placeholders.CONFIG:
        return '{config_file} is a copy of trainer.config: write config = "base.yaml" there'
    known = [*sorted(parameters), *built_in]
    hint = did_you_mean(name, known) or f"; known here: {', '.join(known)}"
    return f"{{{name[:60]}}} is not a parameter or a placeholder{hint} (a literal brace is written twice)"
