"""The headers by which a mail client unsubscribes (RFC 2369, RFC 8058)."""

from audiences.links.mail_addresses import unsubscribe_address
from audiences.links.payloads import Link
from audiences.links.web_addresses import one_click_url

# ------------------------------------- headers for the button (RFC 2369, RFC 8058)
ONE_CLICK = "List-Unsubscribe=One-Click"


def unsubscribe_headers(link: Link) -> dict[str, str]:
    """Both headers for one message: `EmailMessage(…, headers=…)` takes them.

    Exactly one HTTPS address, which identifies recipient and list and cannot be forged
    (RFC 8058, 3.1), and a mail address where UNSUBSCRIBE_MAILBOX is set. The DKIM
    signature must cover both headers (RFC 8058, 4).
    """
    ways = [f"<{one_click_url(link)}>"]
    mailbox = unsubscribe_address(link)
    if mailbox:
        ways.append(f"<mailto:{mailbox}>")
    return {"List-Unsubscribe": ", ".join(ways), "List-Unsubscribe-Post": ONE_CLICK}
