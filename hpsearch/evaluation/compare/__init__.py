"""Studies side by side, at equal cost."""
