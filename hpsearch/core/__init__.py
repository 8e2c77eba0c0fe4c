"""The values that travel between rooms; they import nothing of the rest."""
