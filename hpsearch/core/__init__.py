"""Values that all other packages use; they import nothing from those."""
