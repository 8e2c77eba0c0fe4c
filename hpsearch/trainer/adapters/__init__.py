"""Adapters from other forms of training code to a trainer, a generator of reports."""
