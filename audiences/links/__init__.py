"""Signed personal links: tokens, addresses of the web and of mail, headers."""
