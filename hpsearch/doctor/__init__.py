"""What a learning curve shows about a training, and what to do about it: pure functions of reports."""
