"""Reading text messages that came back: keywords, receipts."""
