"""Freeze-thaw search: many trials are started and paused; promising ones continue from their checkpoints."""
