"""Retrains a recorded trial, and compares the curves."""
