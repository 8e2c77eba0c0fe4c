"""[space] of a study file: its entries, their conditions, constraints and priors."""
