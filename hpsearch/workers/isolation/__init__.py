"""Each trial in a process of its own, forked from a template process that has imported the trainer."""
