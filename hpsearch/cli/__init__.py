"""The command line: arguments to one call, its result to text and an exit code."""
