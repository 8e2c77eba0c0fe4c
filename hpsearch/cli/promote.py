"""`hpsearch promote`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study, trial_number


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("--as", required=True, dest="name", metavar="NAME", help="name of the registered model")
    which = parser.add_mutually_exclusive_group()
    best = "default: the winner of `hpsearch evaluate`, else the best one"
    which.add_argument("--trial", type=trial_number, metavar="N", help=f"the trial whose model is registered; {best}")
    what = "with several goals: the best trial by the first goal that meets this condition; may be repeated"
    which.add_argument("--prefer", action="append", default=[], metavar="COMPARISON", help=what)
    parser.add_argument("--alias", metavar="ALIAS", help="also set this alias to the version, such as champion")
    parser.add_argument("--mlflow", metavar="URI", help="URI of MLflow; default: the study's, or the local store")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text import promote as words
    from hpsearch.evaluation.chosen_trial import chosen_trial
    from hpsearch.records.find import homes, opened, work_folder
    from hpsearch.tracking.model_version import model_of, promote
    from hpsearch.tracking.recorded_store import store_of

    with opened(args.study, args.journal) as (journal, study):
        uri = store_of(journal, study.record, args.study, args.journal, args.mlflow)
        chosen = chosen_trial(journal, study, args.trial, args.prefer)
        places = homes(args.study, args.journal)
        work = work_folder(study.record, journal.segments(study.record.id), *places)
        model = model_of(study, chosen.details.trial, work, chosen.why)
        done = promote(journal, study, model, uri, args.name, args.alias)
    yield Answer({**done.document(), **model.about}, lambda: words.text(done, model))
