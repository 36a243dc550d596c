"""What visitors without a personal link ask for, until they prove their address."""
