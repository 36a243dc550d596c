"""demo: everything that `make run` does."""

import os
import socket
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from audiences import landing_pages, links, profiles
from audiences.background import figures, worker
from audiences.links import Link
from audiences.links.web_addresses import sent
from audiences.models import LandingPage
from audiences.refusals import Refused
from audiences.terminal import CampaignCommand, CommandError, CommandParser
from delivery import demo
from delivery.models import Delivery

USER, PASSWORD = "admin", "admin"


class Command(CampaignCommand):
    help = (
        "Set up the database, load the demo, analyse its delivery, print the report "
        "and serve the site on this machine, with a background worker. For trying "
        "things out, never for production."
    )
    needs_migrated_database = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT", "8000"))
        )
        parser.add_argument(
            "--no-server", action="store_true", help="Stop after the report."
        )

    def run(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo has a known password: it runs with DEBUG=1.")
        port = options["port"]
        if not options["no_server"] and _is_taken(port):
            raise CommandError(
                f"Port {port} is taken. Choose another: make run PORT={port + 1}"
            )
        call_command("migrate", verbosity=0)
        call_command("load_demo", stdout=self.stdout, stderr=self.stderr)
        call_command("analyse_delivery", demo.DELIVERY, stdout=self.stdout)
        figures.refresh()
        self._ensure_login()
        if options["no_server"]:
            return
        base = f"http://127.0.0.1:{port}"
        if "BASE_URL" not in os.environ:
            settings.BASE_URL = base
        self._say_addresses(base)
        self.stdout.flush()
        with worker.beside_this_process():
            call_command("runserver", str(port), use_reloader=False, skip_checks=True)

    def _say_addresses(self, base: str) -> None:
        delivery = Delivery.objects.get(label=demo.DELIVERY)
        outcomes = f"{base}/admin/delivery/delivery/{delivery.pk}/outcomes/"
        self.say(f"\nThe site:        {base}/admin/")
        self.say(f"Who is excluded: {outcomes}")
        self.say(f"Sign in as:      {USER}, password {PASSWORD}")
        self.say("\nAs a recipient, in a window as narrow as a phone:")
        for title, slug in (
            ("My preferences:", demo.PREFERENCES),
            ("Stop everything:", demo.STOP),
        ):
            if url := _personal(slug):
                self.say(f"{title:<17}{url}")
        if landing_pages.live(demo.SIGN_UP):
            self.say(f"Sign up:         {base}/p/{demo.SIGN_UP}/")
        self.say("Mails that visitors ask for appear here, in this terminal.")
        self.say("\nStop with Ctrl-C; the data stays.")

    def _ensure_login(self) -> None:
        users = get_user_model()._default_manager
        if not users.filter(is_superuser=True).exists():
            users.create_superuser(USER, password=PASSWORD)


def _personal(slug: str) -> str:
    """A personal link of the demo's visitor; none when one of the two is gone."""
    page = LandingPage.objects.filter(slug=slug).first()
    try:
        profile = profiles.find(f"ext:{demo.VISITOR}")
    except Refused:
        return ""
    if page is None:
        return ""
    link = Link(profile.pk, page=page.slug, kind=page.kind)
    primary = profile.addresses.filter(channel=link.channel, is_primary=True).first()
    return links.page_url(sent(link, primary.channel, primary.key) if primary else link)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
