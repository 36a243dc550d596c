"""Profiles in the console: the list, the person's page, imports and bulk changes."""
