"""Signed personal links: tokens, addresses of the web and of mail, headers."""

from audiences.links.tokens import (
    BadLink,
    Confirmation,
    Link,
    Undo,
    confirmation_url,
    one_click_url,
    opt_out_token,
    page_url,
    read_confirmation_token,
    read_mail_token,
    read_opt_out_token,
    read_page_token,
    read_undo_token,
    undo_token,
    unsubscribe_address,
)

__all__ = [
    "BadLink",
    "Confirmation",
    "Link",
    "Undo",
    "confirmation_url",
    "one_click_url",
    "opt_out_token",
    "page_url",
    "read_confirmation_token",
    "read_mail_token",
    "read_opt_out_token",
    "read_page_token",
    "read_undo_token",
    "undo_token",
    "unsubscribe_address",
]
