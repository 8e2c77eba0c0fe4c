"""A sampler and a pruner from papers, outside of hpsearch: docs/own-samplers.md."""

from hpsearch.core.decisions import Continue, New, Proposal, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import State, Trial
from hpsearch.study.space import Space


class AgingEvolution:
    """Regularised evolution (Real et al. 2019, arXiv 1802.01548, Algorithm 1).

    Of the last `population` trials that ended, `sample` are drawn. The best of these is the parent, and its child has
    another value of one parameter. The oldest trial leaves the population, not the worst.
    """

    def __init__(self, space: Space, seed: int, epochs: int, population: int = 20, sample: int = 5):
        self.space, self.seed, self.epochs = space, seed, epochs
        self.population, self.sample = population, sample

    def ask(self, history: History) -> Proposal:
        random = stream(self.seed, len(history))
        usable = (one for one in history if not one.state.is_active and one.state is not State.FAILED)
        ended = sorted(usable, key=lambda trial: trial.ended)
        fresh = random.random(self.space.dimensions).tolist()
        if len(ended) < self.population:
            reason = f"random: {len(ended)} trials have ended, and a population has {self.population}"
            return New(self.space.from_unit(fresh), self.epochs, reason)
        drawn = random.choice(self.population, self.sample, replace=False)
        parent = min((ended[-self.population :][i] for i in drawn), key=history.loss)
        genes = self.space.to_unit(parent.params)
        place = random.choice([i for i, gene in enumerate(genes) if gene is not None])
        # A parameter that is not active in the parent may be active in the child, and then takes its fresh value.
        child = [
            u if gene is None or i == place else gene for i, (gene, u) in enumerate(zip(genes, fresh, strict=True))
        ]
        reason = f"child of trial {parent.number} with another {self.space.parameters[place].name}"
        return New(self.space.from_unit(child), self.epochs, reason)


class Percentile:
    """Stops a trial that is worse than the best `keep` percent of all trials at the same epoch.

    (Golovin et al. 2017, "Google Vizier", KDD, section 3.2.2, for a percentile in place of the median.)
    """

    def __init__(self, keep: float = 25.0, startup_trials: int = 5):
        self.keep, self.startup_trials = keep, startup_trials

    def judge(self, trial: Trial, history: History) -> Verdict:
        losses = history.losses_at(trial.epoch)
        if len(losses) < self.startup_trials or trial.number not in losses or trial.epoch >= trial.until:
            return Continue()
        worst = sorted(losses.values())[max(1, round(len(losses) * self.keep / 100)) - 1]
        among = f"the best {self.keep:g}% of {len(losses)} trials at epoch {trial.epoch}"
        if losses[trial.number] <= worst:
            return Continue(f"among {among}")
        return Stop(f"not among {among}", numbers={"epoch": trial.epoch, "of": len(losses), "keep": self.keep})
