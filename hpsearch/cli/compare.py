"""`hpsearch compare`: a name is looked up in the journal of the first study file among the arguments, if any."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, journal


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("study", nargs="+", metavar="STUDY", help="two or more studies, by name or file")
    journal(parser)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text import compare as words
    from hpsearch.cli.text.front import first_goal
    from hpsearch.core.errors import BadInput
    from hpsearch.evaluation.compare.compared_study import ComparedStudy
    from hpsearch.evaluation.compare.comparison import compare
    from hpsearch.records.find import is_file, journal_of, study_in

    if len(args.study) < 2:
        raise BadInput(f'compare takes two studies or more, got "{args.study[0]}" alone')
    files = [study for study in args.study if is_file(study)]
    studies = []
    for study in args.study:
        place = study if is_file(study) else next(iter(files), study)
        with journal_of(place, args.journal) as its_journal:
            if study.isdecimal() and its_journal.find(study) is None:
                first = next((one for one in args.study if not one.isdecimal()), "STUDY")
                shown = f"`hpsearch show {first} {study}` shows one trial"
                raise BadInput(f'compare takes studies, and "{study}" is no study of this journal; {shown}')
            studies.append(ComparedStudy.read(its_journal, study_in(its_journal, study)))
    found = compare(studies, args.study)
    goals = [line for one in studies for line in first_goal(one.objective)]
    yield Answer(found.document(), lambda: "\n".join([*dict.fromkeys(goals), words.text(found)]))
