"""demo: everything that `make run` does."""

import os
import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from rich.console import Console

from audiences.background import figures
from audiences.terminal import CampaignCommand, CommandError, CommandParser
from delivery import analysis, demo

USER, PASSWORD = "admin", "admin"


class Command(CampaignCommand):
    help = (
        "Set up the database, load the demo, and serve the site on this machine, with "
        "a background worker that sends the demo's newsletter to a mailbox on this "
        "machine. For trying things out, never for production."
    )
    needs_migrated_database = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT", "8000"))
        )
        parser.add_argument(
            "--no-server",
            action="store_true",
            help="Stop when everything is set up; send nothing.",
        )

    def run(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo has a known password: it runs with DEBUG=1.")
        port = options["port"]
        if not options["no_server"] and demo.is_taken(port):
            raise CommandError(
                f"Port {port} is taken. Choose another: make run PORT={port + 1}"
            )
        found = self._set_up()
        gets = f"{found.to_deliver:,} of {found.targeted:,} people get it"
        if options["no_server"]:
            self.say(f"{demo.DELIVERY}: {gets}.")
            return
        with suppress(KeyboardInterrupt):
            self._serve(port, gets)
        self.say("\nStopped. The data stays.")

    def _set_up(self) -> analysis.Report:
        console = Console(file=sys.stderr)
        demo.step(console, "Making the database")
        call_command("migrate", verbosity=0)
        if not demo.is_loaded():
            demo.load(on_step=lambda text: demo.step(console, text))
        demo.step(console, "Preparing the newsletter")
        found = demo.prepare()
        demo.report(console, found)
        demo.step(console, "Counting for the home page")
        figures.refresh()
        users = get_user_model()._default_manager
        if not users.filter(is_superuser=True).exists():
            users.create_superuser(USER, password=PASSWORD)
        return found

    def _serve(self, port: int, gets: str) -> None:
        console = Console(file=sys.stdout)
        with (
            demo.mail_lines(console) as lines,
            demo.open_mailbox(port, lines.tell) as site,
        ):
            demo.send()
            rows = [
                ("Console", f"{site.base}/admin/"),
                ("", f"user {USER}, password {PASSWORD}"),
                ("Mailbox", site.mailbox),
                ("", "every mail of this site arrives here, and none leaves"),
                ("Sign up", f"{site.base}/p/{demo.SIGN_UP}/"),
                ("Newsletter", gets),
            ]
            words = [
                "Open one of its mails in the mailbox, and unsubscribe.",
                "Stop with Ctrl-C; the data stays.",
            ]
            demo.box(console, rows, words)
            demo.serve(port)
