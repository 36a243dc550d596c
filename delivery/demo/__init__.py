"""A small world to try everything in."""
