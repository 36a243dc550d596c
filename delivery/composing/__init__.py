"""Composing: what a delivery says becomes the message to each recipient."""

from delivery.composing.composer import Composer
from delivery.composing.contents import Variant
from delivery.composing.links import read_view_token, view_in_browser_url
from delivery.composing.message import Rendered
from delivery.composing.places import CannotCompose
from delivery.composing.recipients import Recipient, as_recipient, example, recipients

__all__ = [
    "CannotCompose",
    "Composer",
    "Recipient",
    "Rendered",
    "Variant",
    "as_recipient",
    "example",
    "read_view_token",
    "recipients",
    "view_in_browser_url",
]
