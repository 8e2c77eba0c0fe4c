"""Recorded studies: found by name or file, their status, their export."""
