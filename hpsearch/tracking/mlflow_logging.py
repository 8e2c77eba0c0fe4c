"""Set before MLflow is imported: its messages, retries and telemetry do not reach the user."""

import logging
import os
import warnings

ENVIRONMENT = {
    # Its log goes where this process's log goes, instead of to stderr.
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # It re-sends a create_run that timed out, which makes two runs; we look before we send again. With its 7 retries
    # one call blocks for 246 s when the server is down.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    # Seconds for a call: a slow server may take 30 s for one.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


def configure() -> None:
    """Set what the user has not set, in this process only; harmless to repeat.

    MLflow reads its environment at each call and has no other setting. What it prints about a run to stdout
    is switched off in any case: stdout carries our data.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    for logger in map(logging.getLogger, ("mlflow", "alembic", "sqlalchemy", "urllib3")):
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())  # else Python prints warnings of a logger that has no handler
    # It logs every one of ten tries to reach a database; the tracker reports that once.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(mlflow|alembic)(\.|$)")
