"""`python -m tests.support.asker STUDY.json FOLDER [REPORTS]`: asks and reports as `told.drive` does.

REPORTS: it ends itself with SIGKILL after so many, before the loop goes on.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from hpsearch import Session, Study
from tests.support.told import drive


class Mortal(Session):
    """Counts its reports."""

    left = 0

    def report(self, *arguments: Any) -> bool:
        going_on = super().report(*arguments)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return going_on


def main() -> None:
    file, folder, *reports = sys.argv[1:]
    with Mortal(Study.from_dict(json.loads(Path(file).read_text()), folder=folder)) as session:
        session.left = int(reports[0]) if reports else 0
        drive(session)


if __name__ == "__main__":
    main()
