"""Deliveries: making, changing, finding, duplicating, deleting them."""
