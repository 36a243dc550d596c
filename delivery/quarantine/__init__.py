"""Bad addresses: the evidence, the entry that follows from it, and its copies."""
