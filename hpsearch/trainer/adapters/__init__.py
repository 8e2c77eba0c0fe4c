"""Turn what is no generator, or several of them, into a trainer: a generator of reports over `params` and `run`."""
