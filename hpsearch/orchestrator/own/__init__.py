"""Samplers and pruners of users: found, created, and checked against the contract."""
