"""Pools run trials on workers and return events."""
