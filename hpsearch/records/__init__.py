"""Recorded studies: found by name or file, as they stand, exported."""
