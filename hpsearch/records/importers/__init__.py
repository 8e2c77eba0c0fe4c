"""Readers of results of other programs, as files have them."""
