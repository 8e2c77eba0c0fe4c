"""`hpsearch init`: existing files are never overwritten."""

import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from hpsearch.cli import examples
from hpsearch.cli.verb import Answer
from hpsearch.core.errors import BadInput
from hpsearch.core.format import many
from hpsearch.study.translation.translate import translate


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, nargs="?", default=Path(), help="folder to write to; default: here")
    of_others = "convert a search of another tool: W&B, NNI, Katib, Hydra, or a script of Optuna, Ray Tune or Ax"
    parser.add_argument("--from", type=Path, metavar="FILE", dest="source", help=of_others)
    known = examples.names()
    about = f"write this example with its trainer and schema: {', '.join(known)}"
    parser.add_argument("--example", metavar="NAME", type=examples.known_name, choices=known, help=about)


def run(args: Namespace) -> Iterator[Answer]:
    if args.source is not None:
        yield _translated(args.source, args.folder / "study.toml")
        return
    if args.example is not None:
        found = examples.contents(args.example, args.folder)
        files_written = examples.write(found)
        yield _answer(next(iter(found)), files_written, f"{next(iter(found))}, its trainer and the schema")
        return
    places = [args.folder / name for name in ("study.toml", "trainer.py")]
    _check_free(args.folder, places)
    templates = files("hpsearch.cli") / "templates"
    written = examples.write({place: (templates / place.name).read_text(encoding="utf-8") for place in places})
    yield _answer(places[0], written, " and ".join(map(str, written)))


def _check_free(folder: Path, places: Sequence[Path]) -> None:
    there = [path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()]
    there += [place for place in places if place.exists()]
    if there:
        raise BadInput(f"{there[0]} already exists: choose another folder, `hpsearch init FOLDER`")


def _translated(source: Path, place: Path) -> Answer:
    draft = translate(source)
    _check_free(place.parent, [place])
    written = examples.write({place: draft.text(source.name)})
    comments = draft.comments
    about = [f"  {comment}" for comment in comments]
    if comments:
        about = ["", f"{many(len(comments), 'comment')} in it, on what is missing or differs:", *about]
    text = "\n".join([f"wrote {place} from {draft.kind}", *about, "", f"  hpsearch check {shlex.quote(str(place))}"])
    return Answer({"written": list(map(str, written)), "from": draft.kind, "comments": comments}, lambda: text)


def _answer(study: Path, written: list[Path], what: str) -> Answer:
    text = f"wrote {what}\n\n  hpsearch run {shlex.quote(str(study))}"
    return Answer({"written": list(map(str, written))}, lambda: text)
