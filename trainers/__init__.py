"""PyTorch trainings to run and to copy: one file for each task, with its parameters in a dataclass at the top."""
