"""What this app adds to a person's page."""
