"""What a study file says, checked: the Study, its space, its schedule, and what it will run."""
