"""Pruners compare a running trial with the others, and say whether it goes on."""
