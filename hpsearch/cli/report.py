"""`hpsearch report`: a recorded study as one HTML page, from the journal alone."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.verb import Answer, recorded_study
from hpsearch.core.errors import BadInput

PLACE = Path("report.html")
"""Default of -o."""


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    where = "file to write; an existing file is replaced; default: report.html"
    parser.add_argument("-o", "--output", type=Path, default=PLACE, help=where)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.records.find import opened
    from hpsearch.reports.content import read
    from hpsearch.reports.page import report

    place = args.output
    if not place.parent.is_dir():
        raise BadInput(f"-o {place}: there is no folder {place.parent}")
    if place.is_dir():
        raise BadInput(f"-o {place}: this is a folder; name a file, such as {place / PLACE}")
    with opened(args.study, args.journal) as (journal, study):
        content = read(journal, study)
    page = report(content).encode("utf-8", "backslashreplace")  # a file name may not be valid UTF-8
    try:
        place.write_bytes(page)
    except OSError as problem:
        raise BadInput(f"{place} cannot be written: {problem.strerror}; name another file with -o") from problem
    name, size = content.study.record.name, len(page) / 1e6
    data = {"study": name, "state": content.state, "written": str(place)}
    yield Answer(data, lambda: f'report of study "{name}" written to {place} ({size:.1f} MB)')
