"""Trackers send a study from the journal to MLflow, without delaying trials."""
