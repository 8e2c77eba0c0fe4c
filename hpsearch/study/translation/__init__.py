"""The search of another tool as a study file: each reader fills a `Draft` from a file's content."""
