"""A door for those who send: the headers of RFC 8058 by the path that we promised."""

from audiences.links.mail_addresses import unsubscribe_headers

__all__ = ["unsubscribe_headers"]
