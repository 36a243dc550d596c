"""Deliveries in the console: their form, report, log, comparison, messages."""
