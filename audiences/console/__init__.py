"""The operators' console over Django's admin: its site, its menu and its home page."""
