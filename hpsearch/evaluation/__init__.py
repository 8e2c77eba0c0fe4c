"""The evaluation on the test set, which is opened once: finalists over fresh seeds, ensembles, and their scores."""
