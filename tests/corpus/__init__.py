"""Trainings as people write them, none of them over the kit of `trainers/`, each with faults to plant."""
