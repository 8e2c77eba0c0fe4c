"""Results of another study, or imported, that a study's sampler learns from and that are not its trials."""
