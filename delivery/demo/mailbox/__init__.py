"""The demo's mailbox: every mail of its site arrives here, and a page shows them."""

from delivery.demo.mailbox.pages import serving
from delivery.demo.mailbox.server import Received, running
from delivery.demo.mailbox.storing import Mail, Mailbox

__all__ = ["Mail", "Mailbox", "Received", "running", "serving"]
