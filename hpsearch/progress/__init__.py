"""The output on the terminal while a study runs."""
