"""Code that the trainers share: splits, models, optimizers, schedules, the epoch, metrics, and data that is fetched
once."""
