"""Simulated searches on recorded curves with virtual workers, and comparisons of search methods."""
