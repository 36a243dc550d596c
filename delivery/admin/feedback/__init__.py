"""What came back, in the console: inbound items, events, keywords, webhooks."""

from delivery.admin.feedback import figures, hooks, inbound, keywords

__all__ = ["figures", "hooks", "inbound", "keywords"]
