"""`hpsearch stop`."""

from argparse import Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study

arguments = recorded_study


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.records.find import opened
    from hpsearch.records.stop_request import ask_to_stop

    with opened(args.study, args.journal) as (journal, study):
        done = ask_to_stop(journal, study.record)
    says = "not running"
    if done.asked is not None:
        says = f"stopping {done.asked}; running trials finish their epoch first"
    yield Answer(done.document(), lambda: f"{done.study}: {says}")
