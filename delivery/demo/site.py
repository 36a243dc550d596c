"""The demo's site while it runs: a mail server with its page, a worker, the site."""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.servers import basehttp

from audiences.background import worker
from audiences.refusals import Refused
from delivery import analysis
from delivery.analysis.reports import report_of
from delivery.demo import mailbox
from delivery.demo.loading import DELIVERY, SENDER
from delivery.demo.mailbox import Mail, Mailbox, Received
from delivery.models import Delivery, Sending
from delivery.sending import sendings

HOST = "127.0.0.1"
# Messages a second: slow enough to watch, and to leave the machine to its user.
RATE = 200.0


@dataclass(frozen=True)
class Site:
    """Where it is, and where its mails are shown."""

    base: str
    mailbox: str
    mails: str


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def prepare() -> analysis.Report:
    """Prepare the demo's delivery unless it was sent; who gets it, who not and why."""
    delivery = Delivery.objects.get(label=DELIVERY)
    if not Sending.objects.filter(delivery=delivery).exists():
        analysis.analyse(delivery)
    run = delivery.latest_analysis
    assert run is not None  # noqa: S101
    return report_of(run)


def send() -> None:
    """Send the demo's delivery, once; the worker does it."""
    delivery = Delivery.objects.get(label=DELIVERY)
    if not Sending.objects.filter(delivery=delivery).exists():
        sendings.begin(delivery, actor="demo", rate=RATE)


@contextmanager
def open_mailbox(port: int, on_mail: Callable[[Mail], None]) -> Iterator[Site]:
    """The mailbox, to which every mail of the site at this port goes from now on.

    Its page has the next port, its mail server the one after, or any that is free.
    """
    kept = Mailbox(_path())

    def take(received: Received) -> None:
        on_mail(kept.take(received))

    base = f"http://{HOST}:{port}"
    page_port, mail_port = (_free(port + number) for number in (1, 2))
    with (
        mailbox.running(take, mail_port) as mail_port,
        mailbox.serving(kept, page_port, f"{base}/admin/") as page_port,
    ):
        site = Site(base, f"http://{HOST}:{page_port}/", f"smtp://{HOST}:{mail_port}")
        _point_to(site, mail_port)
        yield site


def _free(port: int) -> int:
    return 0 if is_taken(port) else port


def _path() -> Path:
    """The file of the mails, beside the database."""
    name = Path(str(settings.DATABASES["default"]["NAME"]))
    beside = name.parent if name.is_absolute() else settings.VAR_DIR
    return Path(beside) / f"{name.name or 'campaign'}-mails.mbox"


def _point_to(site: Site, mail_port: int) -> None:
    """Let this process, and the worker that it starts, send by our mail server.

    Whatever EMAIL_URL says: the demo's people are invented, and no mail may leave.
    """
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = HOST, mail_port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = SENDER
    os.environ |= {"EMAIL_URL": site.mails, "DEFAULT_FROM_EMAIL": SENDER}
    if "BASE_URL" not in os.environ:
        settings.BASE_URL = site.base


def serve(port: int) -> None:
    """The site with a worker beside it, until Ctrl-C; only what fails is told."""
    # First: it sets up Django once more, with its logs.
    handler = StaticFilesHandler(basehttp.get_internal_wsgi_application())
    for name in ("django.server", "django.request"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with worker.beside_this_process():
        try:
            basehttp.run(HOST, port, handler, threading=True)
        except OSError as error:
            raise Refused(f"Port {port} cannot be used: {error}") from error
