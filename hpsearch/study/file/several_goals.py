"""Search methods, pruners and limits for one metric, which a study with several goals cannot have."""

from collections.abc import Mapping

from hpsearch.study.file.prune_sections import HalvingPrune, HyperbandPrune, NeverPrune, OwnPrune, PruneSection
from hpsearch.study.file.search_base import SearchSection
from hpsearch.study.file.section import Problems, Section
from hpsearch.study.file.sections import Limits
from hpsearch.study.file.study_section import StudySection

METHODS = 'method = "random", "grid" or "list", or "bayesian" with sampler = "tpe", "gp" or "nsga2"'
PRUNERS = 'method = "halving" or "hyperband", which compare Pareto ranks'


def problems(sections: Mapping[str, Section]) -> Problems:
    """sections: those without faults, by their names."""
    about = sections.get("study")
    if not isinstance(about, StudySection) or about.objectives is None:
        return
    search, prune, limits = (sections.get(name) for name in ("search", "prune", "limits"))
    if isinstance(search, SearchSection) and not search.traits.several_goals:
        yield ("search",), f"{search.label} searches for one goal, and study.objectives has several; write {METHODS}"
    if isinstance(prune, PruneSection) and not isinstance(prune, NeverPrune | HalvingPrune | HyperbandPrune | OwnPrune):
        yield (
            ("prune",),
            f"{prune.label} compares trials by one metric, and study.objectives has several; write {PRUNERS}",
        )
    if isinstance(limits, Limits) and limits.target is not None:
        yield ("limits", "target"), "is a value of one metric; leave it out with study.objectives"
