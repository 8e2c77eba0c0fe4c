"""Prints what pip-audit has found, for `make audit`: `python -m tests.support.audit FOUND.json`. Exit 1 for a known
vulnerability, or if no package is in the database."""

import json
import sys
from pathlib import Path


def main(file: str) -> int:
    if not Path(file).is_file():
        print("nothing was checked: pip-audit has written no result. It needs the network; its message is above")
        return 1
    found = json.loads(Path(file).read_text(encoding="utf-8"))["dependencies"]
    checked = [one for one in found if "vulns" in one]
    if not checked:
        print(f"nothing was checked: pip-audit has reached no database with any of the {len(found)} packages")
        return 1
    holes = [one for one in checked if one["vulns"]]
    for one in holes:
        print(one["name"], one["version"], *(hole["id"] for hole in one["vulns"]))
    print(f"{len(holes)} packages with known holes; {len(checked)} of {len(found)} packages are in the database")
    return int(bool(holes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
