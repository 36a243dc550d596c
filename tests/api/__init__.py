"""The API: keys, habits, resources, events out."""
