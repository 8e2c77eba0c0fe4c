"""The contract between a search and training code: the arguments of a trainer, and its reports."""
