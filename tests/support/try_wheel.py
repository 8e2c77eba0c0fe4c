"""`python -m tests.support.try_wheel FILE.whl`: what a newcomer does with the wheel, outside the repository.

The wheel is unpacked into an empty folder, beside the dependencies that this Python has: nothing of the repository is
importable. Each call of hpsearch is a process of its own, and prints what it did.
"""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

SMALL = ("search.trials=2", "trainer.epochs=3", 'resources.address="none"', 'tracking.mlflow="none"')


def main(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed, TemporaryDirectory(prefix="try-wheel-") as folder:
        names = packed.namelist()
        tops = {name.partition("/")[0] for name in names}
        assert {top for top in tops if not top.endswith(".dist-info")} == {"hpsearch"}, f"the wheel has {tops}"
        assert not [name for name in names if "__pycache__" in name or ".hpsearch/" in name]
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
            _call(folder, f"import sys; from hpsearch.cli.main import main; sys.exit(main({words!r}))")
        assert (own / "report.html").exists()


def _call(folder: str, code: str) -> None:
    """In a Python that finds the wheel, then the installed packages, without their .pth files."""
    path = os.pathsep.join([f"{folder}/site", sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    argv = [sys.executable, "-S", "-c", code]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HPSEARCH_")}
    subprocess.run(argv, cwd=f"{folder}/work", env={**environment, "PYTHONPATH": path}, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
