"""What is compared on the test set: one model of the winner, and ensembles of what has been trained already."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpsearch.core.trial import Trial
from hpsearch.evaluation.members import Contenders, Member
from hpsearch.orchestrator import build
from hpsearch.study.definition import Study

MOST = 20
"""So many of the search's best trials may enter the greedy ensemble."""

SINGLE, SEEDS, TOP, SNAPSHOTS, AUGMENTED = "single", "seeds", "top", "snapshots", "augmented"


@dataclass(frozen=True)
class Source:
    """A recorded study whose trials' models may be had."""

    study: Study
    uid: str
    word: str

    def member(self, trial: Trial) -> Member:
        """The model at the epoch by which the trial is judged."""
        judged = self.study.objective.judged(trial)
        assert judged is not None, "what is chosen has a value"
        return Member(
            name=f"{self.word} {trial.number}",
            params=trial.params,
            seed=trial.seed,
            epochs=self.study.trainer.epochs,
            work=build.work_folder(self.study, self.uid),
            study_uid=self.uid,
            number=trial.number,
            step=judged.step,
            replicates=self.study.replicates,
        )


@dataclass(frozen=True)
class Lineup:
    """greedy_from: places in `members` that the greedy ensemble may take."""

    members: tuple[Member, ...]
    contenders: Contenders
    greedy_from: tuple[int, ...]


def lineup(winners: Sequence[Member], others: Sequence[Member], searched: Sequence[Member], top: int) -> Lineup:
    """winners: the winner's models, one a seed; others: those of the other finalists; searched: the search's best."""
    models = (*winners, *others, *searched)
    snapshots = tuple(replace(one, way="snapshots") for one in winners)
    augmented = tuple(replace(one, way="augmented") for one in winners)
    n, first = len(winners), len(winners) + len(others)
    ones = [(i,) for i in range(len(models) + 2 * n)]
    contenders = {
        SINGLE: tuple(ones[:n]),
        SEEDS: (tuple(range(n)),) if n > 1 else (),
        TOP: (tuple(range(first, first + min(top, len(searched)))),) if min(top, len(searched)) > 1 else (),
        SNAPSHOTS: tuple(ones[len(models) : len(models) + n]),
        AUGMENTED: tuple(ones[len(models) + n :]),
    }
    return Lineup((*models, *snapshots, *augmented), contenders, tuple(range(len(models))))
