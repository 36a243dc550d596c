"""Services and who subscribes to them: acts, double opt-in, messages, reports."""
