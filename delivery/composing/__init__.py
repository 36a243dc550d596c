"""Composing: what a delivery says becomes the message to each recipient."""

from delivery.composing.composer import Composer
from delivery.composing.links import view_in_browser_url
from delivery.composing.message import Rendered
from delivery.composing.places import CannotCompose
from delivery.composing.recipients import Recipient, recipients

__all__ = [
    "CannotCompose",
    "Composer",
    "Recipient",
    "Rendered",
    "recipients",
    "view_in_browser_url",
]
