"""`hpsearch best`."""

from argparse import Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study

arguments = recorded_study


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.show import trial
    from hpsearch.records.find import opened
    from hpsearch.records.standing import best_trial

    with opened(args.study, args.journal) as (journal, study):
        best = best_trial(journal, study)
    yield Answer(best.document(), lambda: trial(best))
