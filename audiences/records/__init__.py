"""What is on record about people, as plain data, and whether it agrees with itself."""
