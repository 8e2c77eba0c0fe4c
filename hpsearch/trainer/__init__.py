"""The contract between a search and training code: what a trainer is given, and what it reports."""
