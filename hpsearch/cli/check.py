"""`hpsearch check`: with --json the faults are on stdout, as data."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict

from hpsearch.cli.verb import Answer, study_file
from hpsearch.core.errors import StudyFileError

arguments = study_file


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.study.definition import Study

    try:
        name = Study.load(args.file, args.overrides).study.name
    except StudyFileError as problem:
        if not args.json:
            raise
        faults, text = [asdict(fault) for fault in problem.faults], str(problem)
        yield Answer({"study": None, "faults": faults}, lambda: text, problem.exit_code)
        return
    yield Answer({"study": name, "faults": []}, lambda: f"{args.file}: no faults in study {name}")
