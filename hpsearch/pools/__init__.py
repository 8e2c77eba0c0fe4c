"""Pools run trials and say what happened to them."""
