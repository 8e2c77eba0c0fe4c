"""What a curve depends on besides parameters and seed: commit, environment, hashes of the data."""
