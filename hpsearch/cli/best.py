"""`hpsearch best`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study, same_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    what = "with several goals: the best trial by the first goal that meets this condition, such as "
    what += '"latency_ms <= 10"; may be repeated'
    parser.add_argument("--prefer", action="append", default=[], metavar="COMPARISON", help=what)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text import front
    from hpsearch.cli.text.show import trial
    from hpsearch.records.find import homes, opened, work_folder
    from hpsearch.records.study_front import check_preferences, study_front
    from hpsearch.records.study_status import best_trial
    from hpsearch.workers.trial_files import TrialFiles

    with opened(args.study, args.journal) as (journal, study):
        if study.objective.others:
            found = study_front(journal, study, args.prefer)
            yield Answer(found.document(), lambda: front.of_study(found))
            return
        check_preferences(study, args.prefer)
        best = best_trial(journal, study)
    work = work_folder(study.record, best.segments, *homes(args.study, args.journal))
    files = TrialFiles.find(work, study.record, best.trial.number)
    more = same_study(args, "show", str(best.trial.number), "--all")
    yield Answer({**best.document(), **files.document()}, lambda: trial(best, files, more))
