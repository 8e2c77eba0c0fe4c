"""Ask and tell: studies whose trials are trained by the caller's own loop."""
