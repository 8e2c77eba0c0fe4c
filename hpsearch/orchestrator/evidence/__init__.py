"""The results that a study learns from and that are none of its trials: of another study, or imported."""
