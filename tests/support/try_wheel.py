"""`python -m tests.support.try_wheel FILE.whl`: runs a new user's first commands with the wheel, outside the
repository.

The wheel is unpacked into an empty folder and uses this Python's installed dependencies; no module of the repository is
importable. Each call of hpsearch is a separate process.
"""

import os
import re
import signal
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, build_opener

SMALL = ("search.trials=2", "trainer.epochs=3", 'resources.address="none"')


def main(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed, TemporaryDirectory(prefix="try-wheel-") as folder:
        names = packed.namelist()
        tops = {name.partition("/")[0] for name in names}
        assert {top for top in tops if not top.endswith(".dist-info")} == {"hpsearch"}, f"the wheel has {tops}"
        assert not [name for name in names if "__pycache__" in name or ".hpsearch/" in name]
        (description,) = (packed.read(name).decode() for name in names if name.endswith(".dist-info/METADATA"))
        assert not re.findall(r"\]\((?!\w+:)", description), "an index has no files for links"
        packed.extractall(Path(folder) / "site")
        own = Path(folder) / "work"
        own.mkdir()
        _call(folder, "import importlib.util as u; assert u.find_spec('trainers') is None")
        small = [word for setting in SMALL for word in ("--set", setting)]
        study = "hpsearch-quickstart/quickstart.toml"
        for words in (
            ["quickstart", *small],
            ["check", study],
            ["report", study],
            ["init", "mine"],
            ["init", "--example", "heart-grid"],
        ):
            _call(folder, _code(*words))
        assert (own / "report.html").exists()
        elsewhere = Path(folder) / "elsewhere"
        elsewhere.mkdir()
        _call(folder, _code("best", str(own / study)), elsewhere)
        _open_dashboard(folder, _code("ui", "--home", str(own / "hpsearch-quickstart" / ".hpsearch")), elsewhere)


def _code(*words: str) -> str:
    return f"import sys; from hpsearch.cli.main import main; sys.exit(main({list(words)!r}))"


def _call(folder: str, code: str, where: Path | None = None) -> None:
    argv, environment = _program(folder, code)
    subprocess.run(argv, cwd=where or f"{folder}/work", env=environment, check=True)


def _program(folder: str, code: str) -> tuple[list[str], dict[str, str]]:
    """The argv and environment of a Python that finds the wheel, then the installed packages, without their .pth
    files."""
    path = os.pathsep.join([f"{folder}/site", sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HPSEARCH_")}
    return [sys.executable, "-S", "-c", code], {**environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _status(address: str) -> int:
    try:
        with build_opener(HTTPCookieProcessor()).open(address, timeout=60) as page:
            return int(page.status)
    except HTTPError as refused:
        return refused.code


def _open_dashboard(folder: str, code: str, where: Path) -> None:
    """Open the address that `ui` prints, once as printed and once without its token."""
    argv, environment = _program(folder, code)
    server = subprocess.Popen(argv, cwd=where, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = re.findall(r"http://\S+", server.stdout.readline())[0]
        answers = _status(address), _status(address.partition("?")[0])
        assert answers == (200, 403), f"the dashboard answered {answers} with its token, and without"
        print(f"the dashboard answers at {address.partition('?')[0]}")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
