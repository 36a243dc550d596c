"""What came back, in the console: inbound items, events, keywords, webhooks."""

from delivery.admin.feedback import figures, inbound, keywords

__all__ = ["figures", "inbound", "keywords"]
