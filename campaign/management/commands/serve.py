"""serve [--bind ADDRESS] [--web N] [--threads N] [--workers N] [--no-migrate]"""

import os
from typing import Any

from django.conf import settings

from audiences.terminal import CampaignCommand, CommandError, CommandParser, number
from campaign.serving import starting


class Command(CampaignCommand):
    help = (
        "Run the site on this machine, for production: check, migrate, collect style "
        "and scripts, then keep the web server and the workers with their clock "
        "running. What dies is started again. SIGTERM or Ctrl-C ends all of it, after "
        "what is being answered. Put a web server that speaks HTTPS before it."
    )
    needs_migrated_database = False
    # It checks itself, in its own order.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bind",
            metavar="ADDRESS",
            default=os.environ.get("BIND", "127.0.0.1:8000"),
            help="Where the web server before it finds the site (default: BIND, else "
            "127.0.0.1:8000).",
        )
        for name, default, what in (
            ("--web", "WEB_PROCESSES", "processes that answer requests"),
            ("--threads", "WEB_THREADS", "requests that each of them answers at once"),
            ("--workers", "WORKERS", "processes that work behind the scenes"),
        ):
            parser.add_argument(
                name,
                type=number(0 if name == "--workers" else 1, 64),
                metavar="N",
                default=getattr(settings, default),
                help=f"How many {what} (default: {default}).",
            )
        parser.add_argument(
            "--no-migrate",
            action="store_true",
            help="Another role or another job migrates the database.",
        )

    def run(self, **options: Any) -> None:
        if settings.DEBUG:
            raise CommandError(
                "serve is for production: set DEBUG=0 and what docs/operations.md "
                "names. On your own machine: make run."
            )
        starting.prepare(self.note, migrates=not options["no_migrate"])
        self.note(f"Serving on {options['bind']}, as {settings.BASE_URL}.")
        starting.run(
            bind=options["bind"],
            web=options["web"],
            workers=options["workers"],
            threads=options["threads"],
        )
        self.note("Everything has ended.")
