"""People and subscriptions from files, and people into files."""
