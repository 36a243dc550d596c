"""SMTP: one connection to the mail server that EMAIL_URL names (RFC 5321)."""

from delivery.transports.smtp.transport import SmtpTransport

__all__ = ["SmtpTransport"]
