"""Each trial in a process of its own: a template that has the imports is forked for it."""
