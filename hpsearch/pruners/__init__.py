"""Pruners decide whether a running trial continues or stops, mostly by comparison with other trials."""
