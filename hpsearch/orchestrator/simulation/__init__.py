"""Searches on recorded curves, with virtual workers, and the comparison of search methods on them."""
