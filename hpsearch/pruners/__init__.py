"""Pruners decide whether a running trial continues or stops, usually by comparing it with other trials."""
