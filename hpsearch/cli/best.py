"""`hpsearch best`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.show import trial
    from hpsearch.records.find import opened
    from hpsearch.records.standing import best_trial

    with opened(args.study, args.journal) as (journal, study):
        best = best_trial(journal, study)
    yield Answer(best.document(), lambda: trial(best))
