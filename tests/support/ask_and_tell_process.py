"""`python -m tests.support.ask_and_tell_process STUDY.json FOLDER`: runs `session_trainer.drive`, prints its trials.

--reports N it sends itself SIGKILL after N reports, before the loop continues
--shared several of these processes may search the study
--pace SECONDS it sleeps before each report
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


class SelfKillingSession(Session):
    """Sends its process SIGKILL after a number of reports."""

    reports_left, pace = 0, 0.0

    def report(self, *arguments: Any) -> bool:
        time.sleep(self.pace)
        continues = super().report(*arguments)
        self.reports_left -= 1
        if self.reports_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return continues


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("study", type=Path)
    parser.add_argument("folder")
    parser.add_argument("--reports", type=int, default=0)
    parser.add_argument("--pace", type=float, default=0.0)
    parser.add_argument("--shared", action="store_true", default=None)
    args = parser.parse_args()
    study = Study.from_dict(json.loads(args.study.read_text()), folder=args.folder)
    with SelfKillingSession(study, shared=args.shared) as session:
        session.reports_left, session.pace = args.reports, args.pace
        print(json.dumps([number for number, _ in drive(session)]))


if __name__ == "__main__":
    main()
