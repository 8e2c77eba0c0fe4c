"""Run the benchmarks of time, or those that are named, and print tables. Nothing is asserted about time."""

import argparse
import importlib
import os
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

NAMES = ["startup", "throughput", "mlflow", "busy", "long", "asks", "journal", "trainer", "trace", "isolation"]
LONG = [
    *("doctor", "preflight", "ensembles", "recipe", "search", "seeds", "goals", "evidence", "trainings", "trainers"),
    "schedules",
]

"""Each takes a quarter of an hour or more: only where it is named."""


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (the default), {', '.join(LONG)}"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    args = parser.parse_args(argv)
    if unknown := set(args.names) - {*NAMES, *LONG}:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join([*NAMES, *LONG])}")
    print(machine(), end="\n\n")
    sections, failed = [machine()], []
    for name in args.names or NAMES:
        began = time.monotonic()
        print(f"{name}", file=sys.stderr)
        try:
            for table in importlib.import_module(f"tests.benchmarks.bench_{name}").tables():
                print(table.plain(), end="\n\n", flush=True)
                sections.append(table.markdown())
        except Exception:  # the others are worth having all the same
            traceback.print_exc()
            failed.append(name)
        print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr)
        if args.markdown is not None:
            args.markdown.write_text("\n\n".join(sections) + "\n", "utf-8")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def machine() -> str:
    load = f"load {os.getloadavg()[0]:.1f} at the start"
    tools = ", ".join(f"{name} {version(name)}" for name in ("ray", "optuna", "mlflow", "torch"))
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {tools}; {load}"


if __name__ == "__main__":
    main()
