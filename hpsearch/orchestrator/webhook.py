"""Posts the end of a run to the webhook of [notify]: of Slack, Mattermost, Discord, or a server of your own."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from hpsearch import __version__
from hpsearch.core.errors import InfrastructureError
from hpsearch.core.format import first_line, json_text
from hpsearch.core.redact import redact
from hpsearch.orchestrator.run_result import RunResult

TIMEOUT = 10.0
"""Seconds to connect, and to wait for the answer."""

MAX_TEXT = 1900
"""Characters. Discord refuses a message of more than 2,000."""


def end_of(result: RunResult) -> dict[str, Any]:
    """The message after a run: its text, and the object that `hpsearch run --json` prints."""
    return {**_text(result.outline), **result.document()}


def failure_of(study: str, problem: InfrastructureError | OSError) -> dict[str, Any]:
    """The message after a run that ended with exit code 5."""
    text = f'study "{study}" has stopped: {first_line(str(problem))}; run it again to continue'
    return {**_text(text), "study": study, "error": redact(str(problem))}


def _text(text: str) -> dict[str, str]:
    """Under both names that chat services read."""
    shown = redact(text)[:MAX_TEXT]
    return {"text": shown, "content": shown}


def post(address: str, message: Mapping[str, Any]) -> str:
    """Send a message, once; "" if it was accepted, else why not, for the user. The address is a secret."""
    body = json_text(message).encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"hpsearch/{__version__}"}
    try:
        request = urllib.request.Request(address, body, headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT):
            return ""
    except urllib.error.HTTPError as error:
        why = f"{error.code} {error.reason}"
        error.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        why = getattr(reason, "strerror", None) or str(reason) or type(error).__name__
    return f"the webhook in notify.url did not accept the message ({redact(why)}); the study is not affected"
