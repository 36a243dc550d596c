"""create_endpoint URL --events E… [--with-addresses]"""

from typing import Any

from audiences import endpoints
from audiences.terminal import CampaignCommand, CommandParser, add_json


class Command(CampaignCommand):
    help = (
        "Tell a program what happens, at its web address, from now on. Prints the "
        "secret with which it checks the calls; it is shown once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", metavar="URL")
        parser.add_argument(
            "--events",
            nargs="+",
            action="extend",
            required=True,
            metavar="E",
            help="Such as consent.opted_out.",
        )
        parser.add_argument(
            "--with-addresses",
            action="store_true",
            help="Tell it the primary addresses of each person too.",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        events = [e for text in options["events"] for e in text.split(",") if e]
        shown = endpoints.create(
            options["url"],
            events,
            actor="a command",
            with_addresses=options["with_addresses"],
        )
        if options["json"]:
            made = shown.endpoint
            about = {"id": made.pk, "url": made.url, "events": made.events}
            self.write_json({**about, "secret": shown.secret})
            return
        self.say(shown.secret)
        self.note("Keep it now: it is not shown again.")
