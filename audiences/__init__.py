"""Who may be contacted, where, and what they asked for."""
