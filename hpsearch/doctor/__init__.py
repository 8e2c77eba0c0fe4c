"""Diagnoses trainings from their learning curves, with advice: pure functions of reports."""
