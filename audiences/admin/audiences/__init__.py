"""Audiences in the console, and the builder of conditions."""
