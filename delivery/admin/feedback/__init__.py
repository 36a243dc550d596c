"""What came back, in the console: inbound items, events, keywords, webhooks."""
