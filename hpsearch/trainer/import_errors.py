"""Messages for a module that cannot be imported: the file, the line, what is missing, what to do."""

import difflib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from hpsearch.provenance.module_search import is_installed
from hpsearch.trainer.failures import short_traceback


def no_module(use: str, missing: str, folder: Path | None) -> str:
    """The message for a module that does not exist. missing: its name."""
    place, _, name = use.rpartition(":")
    if place.endswith(".py"):
        said = f"no file {place} (it starts at the study's folder, {folder})"
    else:
        said = f"no module {missing}, neither in the study's folder ({folder}) nor on the Python path"
    return said if folder is None else said + _instead(place, name, folder)


def _instead(place: str, name: str, folder: Path) -> str:
    *folders, last = place.removesuffix(".py").split("/" if place.endswith(".py") else ".")
    beside = folder.joinpath(*folders)
    if (beside / f"{last}.ipynb").is_file():
        return (
            f"; {last}.ipynb is a notebook: write the trainer into a .py file (in Jupyter: `%%writefile {last}.py`), "
            "or give the function itself from the notebook: Study.from_dict({…}, trainer=train)"
        )
    path = "/".join([*folders, f"{last}.py"])
    elsewhere = [folder.parent / path, *sorted(folder.glob(f"*/{path}"))]
    if (file := next((file for file in elsewhere if file.is_file()), None)) is not None:
        return f'; did you mean "{os.path.relpath(file, folder)}:{name}"?'
    there = [path.name.removesuffix(".py") for path in beside.glob("*") if path.suffix == ".py" or path.is_dir()]
    if not (near := difflib.get_close_matches(last, there, n=1)):
        return ""
    if place.endswith(".py"):
        return f'; did you mean "{"/".join([*folders, near[0]])}.py:{name}"?'
    return f'; did you mean "{".".join([*folders, near[0]])}:{name}"?'


def import_failed(module: str, problem: BaseException) -> str:
    """The message for an exception during an import. module: the one to import."""
    where = f"importing {module} failed"
    frames = [*_frames_of_user(problem)]
    at = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    if isinstance(problem, ModuleNotFoundError) and problem.name:
        return f"{where}: {at or module} imports {problem.name}, which is {_absent(problem.name, frames)}"
    if isinstance(problem, SystemExit) and _calls_parse_args(problem):
        return (
            f"{where}: {at} calls parse_args() when it is imported, which ended the import. Call parse_args() "
            'in `if __name__ == "__main__":`, and take the parameters of a trial from `params`'
        )
    said = f"{where}\n{short_traceback(problem)}"
    if isinstance(problem, ImportError) and "relative import" in str(problem):
        return f"{said}\n{at} is in no package (a folder with __init__.py): leave out the dot, `from utils import …`"
    return said


def _absent(name: str, frames: list[traceback.FrameSummary]) -> str:
    """That no module of this name is found, and a similar name beside the file that imports it."""
    folder = Path(frames[-1].filename).parent if frames else Path()
    there = [path.name.removesuffix(".py") for path in folder.glob("*") if path.suffix == ".py" or path.is_dir()]
    near = difflib.get_close_matches(name.partition(".")[0], there, n=1, cutoff=0.7) if frames else []
    return "neither beside it nor installed" + (f"; did you mean `{near[0]}`?" if near else "")


def _frames_of_user(problem: BaseException) -> Iterator[traceback.FrameSummary]:
    """The frames of the traceback without those of Python, installed packages and hpsearch."""
    own = str(Path(__file__).parents[1])
    standard = str(Path(os.__file__).parent)
    for frame in traceback.extract_tb(problem.__traceback__):
        file = frame.filename
        if not (file.startswith(("<", own + os.sep, standard + os.sep)) or is_installed(Path(file))):
            yield frame


def _calls_parse_args(problem: SystemExit) -> bool:
    names = {frame.name for frame in traceback.extract_tb(problem.__traceback__)}
    return bool(names & {"parse_args", "parse_known_args", "_parse_known_args"})
