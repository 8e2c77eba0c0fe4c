"""`hpsearch init`: existing files are never overwritten."""

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from hpsearch.cli.verb import Answer
from hpsearch.core.errors import BadInput


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="folder to write to; default: here")


def run(args: Namespace) -> Iterator[Answer]:
    places = [args.folder / name for name in ("study.toml", "trainer.py")]
    there = [path for path in (args.folder, *args.folder.parents) if path.exists() and not path.is_dir()]
    there += [place for place in places if place.exists()]
    if there:
        raise BadInput(f"{there[0]} already exists: choose another folder, `hpsearch init FOLDER`")
    args.folder.mkdir(parents=True, exist_ok=True)
    for place in places:
        place.write_text(files("hpsearch.cli").joinpath("templates", place.name).read_text(), encoding="utf-8")
    written = [str(place) for place in places]
    text = f"wrote {' and '.join(written)}\n\n  hpsearch run {shlex.quote(written[0])}"
    yield Answer({"written": written}, lambda: text)
