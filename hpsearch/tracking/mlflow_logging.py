"""Settings of MLflow, made before it is imported: no messages on stderr, no retries, no telemetry."""

import logging
import os
import warnings

ENVIRONMENT = {
    # Its log goes to the log of this process, instead of to stderr.
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # It sends a create_run again that timed out, which makes two runs; the tracker first looks for the run. With its 7
    # retries one call blocks for 246 s when the server is down.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    # Seconds: a slow server may take 30 s for one call.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


def configure() -> None:
    """Set what the user has not set, in this process only; it can be called again.

    MLflow reads its environment at each call and has no other setting. Its prints about a run are always disabled:
    stdout is for the command's results.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    for logger in map(logging.getLogger, ("mlflow", "alembic", "sqlalchemy", "urllib3")):
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())  # else Python prints warnings of a logger that has no handler
    # It logs each of ten attempts to reach a database; the tracker reports that once.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(mlflow|alembic)(\.|$)")
