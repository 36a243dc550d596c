"""Finding one's way in the console: search, help beside each page, the language."""
