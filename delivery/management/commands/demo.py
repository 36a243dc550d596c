"""demo: everything that `make run` does."""

import os
import socket
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from audiences import figures
from audiences.terminal import CampaignCommand, CommandError, CommandParser
from delivery import demo
from delivery.models import Delivery

USER, PASSWORD = "admin", "admin"


class Command(CampaignCommand):
    help = (
        "Set up the database, load the demo, analyse its delivery, print the report "
        "and serve the site on this machine. For trying things out, never for "
        "production."
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
        delivery = Delivery.objects.get(label=demo.DELIVERY)
        outcomes = f"{base}/admin/delivery/delivery/{delivery.pk}/outcomes/"
        self.say(f"\nThe site:        {base}/admin/")
        self.say(f"Who is excluded: {outcomes}")
        self.say(f"Sign in as:      {USER}, password {PASSWORD}")
        self.say("Stop with Ctrl-C; the data stays.\n")
        self.stdout.flush()
        call_command("runserver", str(port), use_reloader=False, skip_checks=True)

    def _ensure_login(self) -> None:
        users = get_user_model()._default_manager
        if not users.filter(is_superuser=True).exists():
            users.create_superuser(USER, password=PASSWORD)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
