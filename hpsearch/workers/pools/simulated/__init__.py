"""Virtual workers: trials "train" by playing back curves, on a simulated clock. No trainer is called."""
