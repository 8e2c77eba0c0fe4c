"""One Ray actor of the pool, and what it does."""

from dataclasses import dataclass
from typing import Any

from hpsearch.workers.pools.ray import reaper


@dataclass
class Slot:
    """One actor.

    pending: its running call. number: its trial; None while it starts or is free. process: the actor's process, if it
    is on this machine and hpsearch started Ray. starts: the number of trials that the actor was given. killed_at: when
    its trial was killed, while the trial's own call is pending (time.monotonic). given_at: when it was given its trial.
    released: the call that released the previous trial, if that may still run. retired_at: when SIGTERM ended its
    trial: the actor may end too, and is replaced. node: the call that checks the folders of the worker's node. warning:
    for the user, sent with the worker's next report.
    """

    actor: Any
    pending: Any = None
    number: int | None = None
    process: reaper.Process | None = None
    killed_at: float | None = None
    starts: int = 0
    given_at: float = 0.0
    released: Any = None
    retired_at: float | None = None
    node: Any = None
    warning: str = ""

    @property
    def is_free(self) -> bool:
        return self.pending is None and self.number is None and self.retired_at is None

    @property
    def is_starting(self) -> bool:
        return self.pending is not None and self.number is None
