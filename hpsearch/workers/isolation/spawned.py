"""The trial's process as a new Python process, for a template that cannot be forked."""

import os
import sys
from multiprocessing.connection import Connection

from hpsearch.workers.isolation import shared_imports, template, trial_process
from hpsearch.workers.worker import Setup


def main(connection: int, log: int, parent: int) -> None:
    """connection, log: descriptors. parent: the template's pid."""
    sys.argv = [""]
    trial_process.prepare(log, parent)
    os.close(log)
    template.open_streams()
    orders = Connection(connection)
    setup: Setup = orders.recv()
    trial_process.serve(orders, shared_imports.import_everything(setup))
