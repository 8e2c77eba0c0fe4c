"""What MLflow has of a study: the runs of its trials, and those that trainers have started."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hpsearch.tracking.run_payloads import RunPayload
from hpsearch.workers.own_logging import PARENT


@dataclass(frozen=True)
class KnownRun:
    """The known state of a run in MLflow. Tags are written last, so everything that they list was sent."""

    id: str
    uid: str
    status: str
    end: int | None
    tags: Mapping[str, str]
    params: Mapping[str, str]
    deleted: bool = False

    @property
    def epoch(self) -> int:
        """All points up to this epoch are in MLflow; -1 for no points (step 0 is before training)."""
        tag = self.tags.get("hpsearch.epoch", "")
        return int(tag) if tag.isdecimal() else -1

    def agrees_with(self, payload: RunPayload) -> bool:
        """Whether all of the payload was sent. Points are not compared: new ones change a tag."""
        return not (self.differing_tags(payload) or self.missing_params(payload) or self.status_differs(payload))

    def differing_tags(self, payload: RunPayload) -> dict[str, str]:
        return {name: value for name, value in payload.tags.items() if self.tags.get(name) != value}

    def missing_params(self, payload: RunPayload) -> dict[str, str]:
        """A param cannot be changed in MLflow, so one with another value is not among them."""
        return {name: value for name, value in payload.params.items() if name not in self.params}

    def status_differs(self, payload: RunPayload) -> bool:
        return payload.status != self.status or (payload.end is not None and payload.end != self.end)

    def without_content(self) -> "KnownRun":
        """The same run without tags and params, so that all of it is sent again."""
        return replace(self, tags={}, params={})


@dataclass(frozen=True)
class ChildRun:
    """A run that the trainer of a trial has started itself."""

    id: str
    status: str
    tags: Mapping[str, str]

    @property
    def number(self) -> int:
        """The number of its trial."""
        return int(self.tags[PARENT].rpartition("/")[2])
