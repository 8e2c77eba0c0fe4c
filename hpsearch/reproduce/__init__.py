"""Trains a recorded trial again, and compares the curves."""
