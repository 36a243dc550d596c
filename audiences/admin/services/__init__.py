"""Services and subscriptions in the console, with their reports."""
