"""Mails of an IMAP mailbox (RFC 9051), each read once: we remember how far we got.

Messages are fetched without being marked as read. Only those stored in this run are
ever deleted: if the server cannot expunge chosen messages (UIDPLUS), they stay, marked
as deleted.
"""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from audiences import sql
from delivery.feedback.mails.mailboxes import Mail, NoMailbox
from delivery.models import MailboxPosition

BATCH = 20
TIMEOUT = 30.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Place:
    """A mailbox, as `imaps://user:password@host:port/folder` names it."""

    host: str
    port: int | None
    user: str
    password: str
    folder: str
    is_tls: bool

    def __str__(self) -> str:
        """Its name, without the password."""
        return f"{self.user}@{self.host}/{self.folder}"


def place(url: str) -> Place:
    """Read an address; raises NoMailbox, without repeating the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NoMailbox(_("The IMAP address is malformed.")) from error
    if parts.scheme not in ("imap", "imaps") or not parts.hostname:
        raise NoMailbox(
            _(
                "The IMAP address must be like imaps://user:password@host/folder; "
                "letters such as @ or / in user and password as %40 and %2F."
            )
        )
    return Place(
        parts.hostname,
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.path.strip("/")) or "INBOX",
        parts.scheme == "imaps",
    )


def mails(url: str, *, delete: bool = False) -> Iterator[Mail]:
    """Mails not read yet; with `delete` all mails, each removed once it is stored.

    One process reads a mailbox at a time. Raises sql.Locked, and NoMailbox if the
    server cannot be reached or refuses.
    """
    where = place(url)
    with sql.process_lock(f"mailbox:{where}".replace("/", ":")):
        try:
            with _connected(where) as client:
                yield from _unread(client, where, delete=delete)
        except (IMAPClientError, OSError) as error:
            raise NoMailbox(
                _("The mailbox {mailbox} cannot be read: {problem}").format(
                    mailbox=where, problem=error
                )
            ) from error


def _connected(where: Place) -> IMAPClient:
    """A session; a password never crosses a network in the open."""
    client = IMAPClient(where.host, where.port, ssl=where.is_tls, timeout=TIMEOUT)
    if not where.is_tls:
        if client.has_capability("STARTTLS") and where.host not in _LOOPBACK:
            client.starttls(ssl.create_default_context())
        elif where.host not in _LOOPBACK:
            client.shutdown()
            raise NoMailbox(
                _("The server offers no encryption: use imaps:// or another server.")
            )
    client.login(where.user, where.password)
    return client


def _unread(client: IMAPClient, where: Place, *, delete: bool) -> Iterator[Mail]:
    chosen = client.select_folder(where.folder, readonly=not delete)
    validity = int(chosen[b"UIDVALIDITY"])
    position, _is_new = MailboxPosition.objects.get_or_create(
        mailbox=str(where)[:255], defaults={"uid_validity": validity}
    )
    if position.uid_validity != validity:  # the server has numbered them anew
        position.uid_validity, position.last_uid = validity, 0
    first = 1 if delete else position.last_uid + 1
    # "n:*" always has the last message, also when its number is smaller.
    uids = [uid for uid in client.search(["UID", f"{first}:*"]) if uid >= first]
    for start in range(0, len(uids), BATCH):
        batch = sorted(uids)[start : start + BATCH]
        yield from _fetched(client, batch)
        if delete:
            client.delete_messages(batch)
            if client.has_capability("UIDPLUS"):
                client.uid_expunge(batch)
        position.last_uid = max(position.last_uid, batch[-1])
        position.save()


def _fetched(client: IMAPClient, uids: list[int]) -> Iterator[Mail]:
    part = f"BODY.PEEK[]<0.{settings.FEEDBACK_LARGEST}>"
    fetched = sorted(client.fetch(uids, [part, "RFC822.SIZE"]).items())
    mails = [
        Mail(raw, max(found.get(b"RFC822.SIZE", 0), len(raw)), None)
        for _uid, found in fetched
        if (raw := next((v for k, v in found.items() if k[:6] == b"BODY[]"), b""))
    ]
    if mails:
        # By the time that the last one is stored, all are: only then do we go on.
        yield from mails[:-1]
        yield replace(mails[-1], stored=lambda: None)
