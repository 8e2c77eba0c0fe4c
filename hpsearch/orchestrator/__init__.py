"""The loop, its rules, and the run of a study from its recorded state to its end."""
