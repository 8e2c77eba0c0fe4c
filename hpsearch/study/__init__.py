"""A study file, validated: the Study, its search space, its schedule of rounds, and the plan of a run."""
