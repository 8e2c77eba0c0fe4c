"""Pools run trials on workers and say what happened to them."""
