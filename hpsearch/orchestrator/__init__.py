"""The loop, what it decides by, and one study from where it stands to its end."""
