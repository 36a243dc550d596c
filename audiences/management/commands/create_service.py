"""create_service SLUG --label L --channel C"""

from typing import Any

from audiences import subscriptions
from audiences.terminal import CampaignCommand, CommandParser, add_channel


class Command(CampaignCommand):
    help = "Create a service that people can subscribe to."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="Its name in commands.")
        parser.add_argument("--label", required=True, help="What people see.")
        add_channel(parser, required=True)
        parser.add_argument(
            "--validity-days",
            type=int,
            help="Subscriptions end after so many days; without it, never.",
        )
        parser.add_argument(
            "--double-opt-in",
            action="store_true",
            help="Whoever subscribes on a page must confirm by a link in a message.",
        )

    def run(self, **options: Any) -> None:
        service = subscriptions.create_service(
            options["slug"],
            label=options["label"],
            channel=options["channel"],
            validity_days=options["validity_days"],
            double_opt_in=options["double_opt_in"],
        )
        self.say(f"Service {service.slug} is created.")
