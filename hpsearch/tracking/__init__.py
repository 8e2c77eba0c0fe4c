"""Trackers show a study to people: projections of the journal, never in a trial's way."""
