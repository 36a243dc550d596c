"""Opting in and out, the history that proves it, and what guards that history."""
