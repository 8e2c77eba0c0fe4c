"""PyTorch trainings to run first and copy then: one file a task, its parameters in one dataclass at the top."""
