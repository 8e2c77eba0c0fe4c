"""The doctor on trainings that use nothing of the kit: right on the recorded ones, under any names, in any units."""

import math
from collections.abc import Sequence

import pytest
import torch

from hpsearch.core.metric_names import is_measured
from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.curves import Curves
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label
from hpsearch.doctor.meanings import Meanings, Role
from hpsearch.doctor.study_evidence import StudyEvidence
from hpsearch.doctor.training_signs import exploded
from tests.corpus import record, renamed, score, stored
from tests.corpus.planted import FAULTS, SOUND
from tests.corpus.trainers import TRAINERS, Part, Trainer, chosen

NAMES = [one.name for one in chosen([])]


def labels(trials: Sequence[Trial], objective: Objective, given: dict[str, str] | None = None) -> list[Label]:
    """Of each trial by itself, with the meanings of all."""
    evidence = StudyEvidence(Meanings.of(trials, objective, given))
    return [diagnose(trial, objective, evidence)[0].label for trial in trials]


def of(name: str) -> tuple[list[Trial], Objective, Meanings]:
    every = stored.trainings(name)
    trials, objective = [one.trial for one in every], every[0].trainer.objective
    return trials, objective, Meanings.of(trials, objective)


class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("style", renamed.STYLES)
    def test_other_names_have_the_same_findings(self, name: str, style: str) -> None:
        trials, objective, meanings = of(name)
        if not meanings.comparable:
            pytest.skip("its two losses are different quantities, which names of one style would hide")
        names = renamed.renaming(meanings, renamed.STYLES[style])
        others = [renamed.changed(trial, names, lambda _, value: value) for trial in trials]
        assert labels(others, renamed.objective(objective, names)) == labels(trials, objective)

    @pytest.mark.parametrize("name", NAMES)
    def test_names_without_meaning_are_explained_in_the_study_file(self, name: str) -> None:
        trials, objective, meanings = of(name)
        names = renamed.renaming(meanings, renamed.MEANINGLESS)
        if not meanings.comparable:
            names.pop(str(meanings.name(Role.VAL_LOSS)))
        given = {str(role): names[one.name] for role, one in meanings.by_role.items() if one.name in names}
        others = [renamed.changed(trial, names, lambda _, value: value) for trial in trials]
        assert labels(others, renamed.objective(objective, names), given) == labels(trials, objective)

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("factor", [1e-3, 1e3])
    def test_losses_in_other_units_have_the_same_findings(self, name: str, factor: float) -> None:
        trials, objective, meanings = of(name)
        kept = {*meanings.fractions, meanings.name(Role.LR)}
        kept |= {name for one in trials for report in one.curve for name in report.metrics if is_measured(name)}
        others = [renamed.changed(one, {}, lambda name, v: v if name in kept else factor * v) for one in trials]
        pairs = zip(trials, labels(trials, objective), labels(others, objective), strict=True)
        changed = [
            (trial.number, old, new)
            for trial, old, new in pairs
            if old is not new and not exploded(Curves.of(trial, objective, meanings))
        ]
        assert changed == [], "only a loss of nats shows an explosion by its size"

    @pytest.mark.parametrize("name", NAMES)
    def test_percentages_have_the_same_findings_as_fractions(self, name: str) -> None:
        trials, objective, meanings = of(name)
        read = {name: one.form.read for name, one in meanings.fractions.items()}
        others = [
            renamed.changed(one, {}, lambda name, v: 100 * read[name](v) if name in read else v) for one in trials
        ]
        assert labels(others, objective) == labels(trials, objective)


class TestRecorded:
    def test_sixteen_kinds_and_others_that_no_limit_was_chosen_on(self) -> None:
        kinds = {one.kind for one in TRAINERS}
        assert len(kinds) == len(TRAINERS) == 51
        assert [len(chosen([f"--{part.replace(' ', '-')}"])) for part in Part] == [16, 8, 7, 11, 3, 6]
        assert all((record.FOLDER / f"{one.name}.json.gz").exists() for one in TRAINERS)

    def test_every_fault_does_harm_in_some_trainers(self) -> None:
        harmful = {one.fault for trainer in TRAINERS for one in stored.trainings(trainer.name) if one.harmful}
        assert harmful == {*FAULTS} - {SOUND}

    @pytest.mark.parametrize("name", [one.name for one in TRAINERS])
    @pytest.mark.parametrize("in_a_study", [True, False])
    def test_no_advice_is_the_opposite_of_what_helps(self, name: str, in_a_study: bool) -> None:
        found = [one for one in score.scored(name, in_a_study) if one.counted and one.inverted]
        assert [(one.training.fault, one.label) for one in found] == []

    @pytest.mark.parametrize("trainer", TRAINERS[:3], ids=lambda one: one.name)
    def test_a_training_is_what_was_recorded(self, trainer: Trainer) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        seen = record.curve(trainer, FAULTS[SOUND], 0)
        torch.set_num_threads(threads)
        kept = stored.trainings(trainer.name)[0].trial.curve
        assert len(seen) == len(kept)
        for new, old in zip(seen, kept, strict=True):
            assert all(math.isclose(new[name], value, rel_tol=0.05, abs_tol=2.0) for name, value in old.metrics.items())
