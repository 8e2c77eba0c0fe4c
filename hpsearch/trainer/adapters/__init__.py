"""Make a trainer, a generator of reports, from other forms: ray.tune.Trainables, and several trainings side by side."""
