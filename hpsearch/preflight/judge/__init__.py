"""What a preflight measured means: pure functions."""
