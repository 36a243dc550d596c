"""A connection to a mail server: opened by smtplib, with commands sent in one write."""

import re
import smtplib
import socket
import ssl
from contextlib import suppress

from django.conf import settings
from django.core.mail.utils import DNS_NAME

from delivery.transports.handing_over import NotThere

# RFC 3463, 2: class, subject and detail.
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")
CLOSING = 421
# Seconds to wait for the answer to QUIT.
_GOODBYE = 1.0


class Reply:
    """A server's answer: its code, the enhanced one if it has one, and its words."""

    __slots__ = ("basic", "code", "text")

    def __init__(self, basic: int, text: bytes) -> None:
        self.basic = basic
        words = text.decode("utf-8", "replace").replace("\n", " ").strip()
        found = _ENHANCED.match(words)
        self.code = found[1] if found else str(basic)
        self.text = words[found.end() :] if found else words

    @property
    def is_good(self) -> bool:
        return 200 <= self.basic < 400

    @property
    def is_passing(self) -> bool:
        return 400 <= self.basic < 500


class Broken(Exception):
    """The connection ended, or was silent for too long, before an answer."""


class Connection:
    """An open session with the server, logged in, and what it offers."""

    def __init__(self, secured: ssl.SSLContext | None) -> None:
        """`secured` is needed where the server is spoken to by TLS; raises NotThere."""
        try:
            self._smtp = _opened(secured)
        except (OSError, smtplib.SMTPException) as error:
            raise NotThere(_words(error)) from error
        self._socket: socket.socket = self._smtp.sock  # type: ignore[assignment]
        # A message is few writes: none of them waits for the answer to another.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._timeout = self._socket.gettimeout()
        self.count = 0

    def offers(self, extension: str) -> bool:
        return self._smtp.has_extn(extension)

    @property
    def largest(self) -> int:
        """The most bytes that the server takes (RFC 1870); 0 when it does not say."""
        size = self._smtp.esmtp_features.get("size", "").strip()
        return int(size) if size.isdigit() else 0

    def write(self, data: bytes) -> None:
        """Send all of this; raises Broken when the server did not get the end of it."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._socket.send(rest) :]
        except OSError as error:
            raise Broken(_words(error)) from error

    def read(self, patience: float = 1) -> Reply:
        """The next answer, waiting so many times as long as usual; raises Broken."""
        try:
            if self._timeout:
                self._socket.settimeout(self._timeout * patience)
            return Reply(*self._smtp.getreply())
        except (OSError, smtplib.SMTPException) as error:
            raise Broken(_words(error)) from error
        finally:
            with suppress(OSError):
                self._socket.settimeout(self._timeout)

    def say(self, command: bytes) -> Reply:
        self.write(command + b"\r\n")
        return self.read()

    def close(self, *, politely: bool = True) -> None:
        """End the session; a server that does not say goodbye keeps nobody waiting."""
        with suppress(OSError, smtplib.SMTPException, Broken):
            if politely:
                self._timeout = min(self._timeout or _GOODBYE, _GOODBYE)
                self.say(b"QUIT")
        self._smtp.close()


def tls() -> ssl.SSLContext | None:
    """What TLS with the server needs, if it is used: it takes a while to make.

    Raises NotThere when the certificate of the settings cannot be read.
    """
    if not (settings.EMAIL_USE_SSL or settings.EMAIL_USE_TLS):
        return None
    try:
        made = ssl.create_default_context()
        if settings.EMAIL_SSL_CERTFILE:
            made.load_cert_chain(
                settings.EMAIL_SSL_CERTFILE, settings.EMAIL_SSL_KEYFILE or None
            )
    except OSError as error:
        raise NotThere(_words(error)) from error
    return made


def _opened(secured: ssl.SSLContext | None) -> smtplib.SMTP:
    where = (settings.EMAIL_HOST, settings.EMAIL_PORT)
    name, timeout = DNS_NAME.get_fqdn(), settings.EMAIL_TIMEOUT
    smtp: smtplib.SMTP
    if settings.EMAIL_USE_SSL:
        smtp = smtplib.SMTP_SSL(
            *where, local_hostname=name, timeout=timeout, context=secured
        )
    else:
        smtp = smtplib.SMTP(*where, local_hostname=name, timeout=timeout)
    try:
        smtp.ehlo_or_helo_if_needed()
        if settings.EMAIL_USE_TLS:
            smtp.starttls(context=secured)
            smtp.ehlo()
        if settings.EMAIL_HOST_USER:
            smtp.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _words(error: Exception) -> str:
    """What went wrong: a server's words, else the system's."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return f"{error.smtp_code} {text}".strip()
    return str(error) or type(error).__name__
