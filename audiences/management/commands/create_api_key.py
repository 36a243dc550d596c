"""create_api_key NAME --scopes S… [--expires DAYS] [--network N…] [--rate N]"""

from typing import Any

from audiences import api_keys
from audiences.terminal import CampaignCommand, CommandParser, add_json, number


class Command(CampaignCommand):
    help = (
        "Make a key with which a program may use the API, and print it. It is shown "
        "once: only a hash of it is kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", metavar="NAME", help="What the history calls the program."
        )
        parser.add_argument(
            "--scopes",
            nargs="+",
            action="extend",
            required=True,
            metavar="S",
            help="Such as consent:write profiles:read, or a role such as viewer.",
        )
        parser.add_argument(
            "--expires",
            type=number(1, 3650),
            metavar="DAYS",
            help="It ends after so many days; without it, when it is revoked.",
        )
        parser.add_argument(
            "--network",
            action="append",
            default=[],
            metavar="N",
            help="It counts from there alone, such as 192.0.2.0/24; may be repeated.",
        )
        parser.add_argument(
            "--rate",
            type=number(1, 1_000_000),
            metavar="N",
            help="At most so many requests a minute; without it API_RATE.",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        shown = api_keys.create(
            options["name"],
            _split(options["scopes"]),
            actor="a command",
            days=options["expires"],
            networks=options["network"],
            rate=options["rate"],
        )
        if options["json"]:
            key = shown.key
            expires = key.expires_at.isoformat() if key.expires_at else None
            self.write_json(
                {
                    "name": key.name,
                    "key": shown.secret,
                    "scopes": key.scopes,
                    "expires": expires,
                }
            )
            return
        self.say(shown.secret)
        self.note("Keep it now: it is not shown again.")


def _split(texts: list[str]) -> list[str]:
    """Scopes may stand apart or with commas between them."""
    return [word for text in texts for word in text.split(",") if word]
