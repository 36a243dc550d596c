"""The quarantine in the console."""
