"""What a message says: its places, its length, its preview."""
