"""Ask and tell: studies with trials that the caller's own loop trains."""
