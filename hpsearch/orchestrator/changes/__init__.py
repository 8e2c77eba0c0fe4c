"""Changes of a recorded study between two runs: its file, its trainer, its length; forks and retries."""
