"""A door for those who send: the headers of RFC 8058 by the path that we promised."""

from audiences.links.headers import unsubscribe_headers

__all__ = ["unsubscribe_headers"]
