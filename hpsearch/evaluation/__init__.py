"""The test set, once: finalists over fresh seeds, ensembles, and what they score."""
