"""Values that all other packages use. This package imports none of the others."""
