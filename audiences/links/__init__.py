"""Signed personal links: what they say, and how they are written and read.

`signing` alone knows keys and salts. `web_addresses`, `mail_addresses` and `headers`
write links where people and programs find them.
"""

from audiences.links.mail_addresses import read_mail_token, unsubscribe_address
from audiences.links.payloads import Confirmation, Link, Undo
from audiences.links.signing import BadLink
from audiences.links.web_addresses import (
    confirmation_url,
    one_click_url,
    opt_out_token,
    page_url,
    read_confirmation_token,
    read_opt_out_token,
    read_page_token,
    read_undo_token,
    undo_token,
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
