"""The API of programs: what calls have in common; resources are in the rooms below."""
