"""`hpsearch preflight`: writes no trials to the journal, only files that `plan` reads."""

import uuid
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing

from hpsearch.cli.verb import Answer, study_file

arguments = study_file


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.preflight import text
    from hpsearch.core.errors import BadInput
    from hpsearch.core.logs import buffer_library_logs
    from hpsearch.orchestrator import build
    from hpsearch.preflight.runner import run_preflight
    from hpsearch.records.preflight_record import folder, keep
    from hpsearch.study.definition import Study

    study = Study.load(args.file, args.overrides)
    buffer_library_logs()
    pool, _ = build.pool(study, uuid.uuid4().hex)
    with closing(pool):
        result = run_preflight(study, pool)
    keep(folder(study), result.documents())
    yield Answer(result.document(), lambda: text(result), 0 if result.learning.passed else BadInput.exit_code)
