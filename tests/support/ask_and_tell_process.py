"""`python -m tests.support.asker STUDY.json FOLDER`: asks and reports as `session_trainer.drive`, prints its trials.

--reports N      it ends itself with SIGKILL after so many reports, before the loop goes on
--shared         several of these may search the study
--pace SECONDS   it sleeps so long before each report
"""

import argparse
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from hpsearch import Session, Study
from tests.support.session_trainer import drive


class Mortal(Session):
    """Counts its reports."""

    left, pace = 0, 0.0

    def report(self, *arguments: Any) -> bool:
        time.sleep(self.pace)
        going_on = super().report(*arguments)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return going_on


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("study", type=Path)
    parser.add_argument("folder")
    parser.add_argument("--reports", type=int, default=0)
    parser.add_argument("--pace", type=float, default=0.0)
    parser.add_argument("--shared", action="store_true", default=None)
    args = parser.parse_args()
    study = Study.from_dict(json.loads(args.study.read_text()), folder=args.folder)
    with Mortal(study, shared=args.shared) as session:
        session.left, session.pace = args.reports, args.pace
        print(json.dumps([number for number, _ in drive(session)]))


if __name__ == "__main__":
    main()
