"""The example studies: `studies/` and `trainers/` of the repository; a wheel contains them below `templates/`."""

from argparse import ArgumentTypeError
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from hpsearch.core.errors import BadInput

SCHEMA = "study.schema.json"


def names() -> list[str]:
    studies = sorted(one.name for one in _folder("studies").iterdir() if one.name.endswith(".toml"))
    return [name.removesuffix(".toml") for name in studies]


def known_name(name: str) -> str:
    """The name of an example, for argparse. ArgumentTypeError: there is no example of that name."""
    from hpsearch.study.file.faults import did_you_mean

    known = names()
    if name not in known:
        hint = did_you_mean(name, known) or f"; the examples are {', '.join(known)}"
        raise ArgumentTypeError(f"there is no example {name}{hint}")
    return name


def contents(name: str, folder: Path) -> dict[Path, str]:
    """The text of each file of an example, by the path to write: the study, its trainer, the schema for editors."""
    studies, trainers = _folder("studies"), _folder("trainers")
    study = studies.joinpath(f"{name}.toml").read_text(encoding="utf-8").replace("studies/", "")
    task = study.partition('use = "trainers.')[2].partition(":")[0]
    own = [trainers / "__init__.py", trainers / f"{task}.py"]
    found = {folder / f"{name}.toml": study, folder / SCHEMA: studies.joinpath(SCHEMA).read_text(encoding="utf-8")}
    found |= {folder / "trainers" / one.name: one.read_text(encoding="utf-8") for one in own}
    kit = [one for one in (trainers / "kit").iterdir() if one.name.endswith(".py")]
    return found | {folder / "trainers" / "kit" / one.name: one.read_text(encoding="utf-8") for one in kit}


def write(found: dict[Path, str]) -> list[Path]:
    """Write the files that do not exist yet, and return them. BadInput, before anything is written, if a file exists
    with other content."""
    for path in found:
        above = next((one for one in path.parents if one.exists() and not one.is_dir()), None)
        if above is not None:
            raise BadInput(f"{above} already exists: choose another folder")
    written = [path for path, text in found.items() if not path.exists()]
    other = [path for path in found if path not in written and _differs(path, found[path])]
    if other:
        raise BadInput(f"{other[0]} already exists and has other content: choose another folder")
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found[path], encoding="utf-8")
    return written


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_bytes() != text.encode()


def _folder(name: str) -> Traversable:
    """In a wheel below `templates/`, else in the repository."""
    packed = files("hpsearch.cli") / "templates" / name
    return packed if packed.is_dir() else Path(__file__).parents[2] / name
