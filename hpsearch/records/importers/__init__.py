"""Readers of other programs' result files."""
