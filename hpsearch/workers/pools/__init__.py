"""Pools run trials on workers and return what happened as events."""
