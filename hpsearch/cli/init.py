"""`hpsearch init`: existing files are never overwritten."""

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from hpsearch.cli import examples
from hpsearch.cli.verb import Answer
from hpsearch.core.errors import BadInput


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="folder to write to; default: here")
    known = ", ".join(examples.names())
    parser.add_argument("--example", metavar="NAME", help=f"write this example with its trainer and schema: {known}")


def run(args: Namespace) -> Iterator[Answer]:
    if args.example is not None:
        found = examples.contents(args.example, args.folder)
        files_written = examples.write(found)
        yield _answer(next(iter(found)), files_written, f"{next(iter(found))}, its trainer and the schema")
        return
    places = [args.folder / name for name in ("study.toml", "trainer.py")]
    there = [path for path in (args.folder, *args.folder.parents) if path.exists() and not path.is_dir()]
    there += [place for place in places if place.exists()]
    if there:
        raise BadInput(f"{there[0]} already exists: choose another folder, `hpsearch init FOLDER`")
    templates = files("hpsearch.cli") / "templates"
    written = examples.write({place: (templates / place.name).read_text(encoding="utf-8") for place in places})
    yield _answer(places[0], written, " and ".join(map(str, written)))


def _answer(study: Path, written: list[Path], what: str) -> Answer:
    text = f"wrote {what}\n\n  hpsearch run {shlex.quote(str(study))}"
    return Answer({"written": list(map(str, written))}, lambda: text)
