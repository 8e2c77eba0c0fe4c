"""Checks before the first trial: whether the trainer can learn, and at which learning rates."""
