"""Converts the search of another tool to a study file: each reader fills a `Draft` from a file's content."""
