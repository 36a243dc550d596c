"""rotate_api_key NAME [--overlap HOURS]"""

from datetime import timedelta
from typing import Any

from audiences import api_keys
from audiences.terminal import CampaignCommand, CommandParser, number


class Command(CampaignCommand):
    help = (
        "Give a key of the API a new secret, and print it. The former one counts on "
        "for a day, or as long as --overlap says."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--overlap",
            type=number(0, 720),
            default=24,
            metavar="HOURS",
            help="For so long the former secret counts too (default 24).",
        )

    def run(self, **options: Any) -> None:
        overlap = timedelta(hours=options["overlap"])
        shown = api_keys.rotate(api_keys.find(options["name"]), overlap=overlap)
        self.say(shown.secret)
        self.note("Keep it now: it is not shown again.")
