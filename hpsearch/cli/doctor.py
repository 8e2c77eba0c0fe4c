"""`hpsearch doctor`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial

from hpsearch.cli.verb import Answer, recorded_study, same_study, trial_number


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument(
        "trial", type=trial_number, nargs="?", help="one trial's number; without it all trials together"
    )
    parser.add_argument("--lines", type=int, default=20, metavar="N", help="how many trials to list; default: 20")
    parser.add_argument("--worst", action="store_true", help="list the most severe findings first")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text import doctor as text
    from hpsearch.cli.text import doctor_commands
    from hpsearch.cli.text.front import first_goal
    from hpsearch.doctor.diagnosis import Diagnosis
    from hpsearch.doctor.study_diagnosis import diagnose_study
    from hpsearch.records.find import check_trial, file_of, opened

    with opened(args.study, args.journal) as (journal, study):
        if args.trial is not None:
            check_trial(journal, study, args.trial)
        trials = journal.trials(study.record.id)
    name, objective, file = study.record.name, study.objective, file_of(args.study)
    meanings = file.metric_meanings if file is not None else study.metric_meanings
    goals = first_goal(objective)
    if args.trial is None:
        found = diagnose_study(trials, objective, meanings)
        extend = same_study(args, "extend")
        tries = doctor_commands.commands(found, name, extend, args.study, file)
        advice = [{**one.document(), "command": tried} for one, tried in zip(found.advice, tries, strict=True)]
        document = {"study": name, **found.document(), "advice": advice}
        yield Answer(document, lambda: "\n".join([*goals, text.study(name, found, args.lines, args.worst, tries)]))
    else:
        seen = Diagnosis.of(trials[args.trial], trials, objective, meanings)
        words = partial(text.trial, name, seen, study.space)
        yield Answer({"study": name, **seen.document()}, lambda: "\n".join([*goals, words()]))
