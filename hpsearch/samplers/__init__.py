"""Samplers propose parameters: pure functions from a study's history to the next proposal."""
