"""Many at once, at random: what must hold whatever the order."""
