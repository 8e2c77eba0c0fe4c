"""Virtual workers that play back learning curves on a simulated clock. No trainer is called."""
