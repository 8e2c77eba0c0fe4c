"""The command line: arguments to one call, its result to words and an exit code."""
