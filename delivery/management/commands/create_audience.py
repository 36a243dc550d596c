"""create_audience NAME --condition FILE"""

from pathlib import Path
from typing import Any

from audiences import conditions, membership
from audiences.terminal import CampaignCommand, CommandParser, read_json


class Command(CampaignCommand):
    help = "Create an audience of the profiles that meet a condition tree."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--condition",
            metavar="FILE",
            type=Path,
            required=True,
            help="A JSON file; condition_schema prints what it may contain.",
        )

    def run(self, **options: Any) -> None:
        tree = read_json(options["condition"])
        audience = membership.create_with_condition(options["name"], tree)
        self.say(f"{audience.name}: {conditions.sentence(tree)}")
