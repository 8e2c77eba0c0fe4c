"""Freeze-thaw search: many trials are started and paused, and the promising ones continue from their checkpoints."""
