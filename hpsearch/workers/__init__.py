"""Where trials train: the worker, its checkpoints and logs, and the pools that run workers."""
