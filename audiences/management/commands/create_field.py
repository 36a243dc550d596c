"""create_field LABEL --type T [--choice C …] [--impersonal] [--editable]"""

from typing import Any

from audiences import fields
from audiences.models import OwnField
from audiences.terminal import CampaignCommand, CommandParser


class Command(CampaignCommand):
    help = (
        "Define a field of your own for profiles. Its name in files, conditions and "
        "messages is made from the label."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("label", metavar="LABEL", help="What people see.")
        parser.add_argument(
            "--type", required=True, choices=OwnField.Type.values, help="Its type."
        )
        parser.add_argument(
            "--choice",
            action="append",
            default=[],
            metavar="C",
            help="One of the choices of a field of type choice; can be repeated.",
        )
        parser.add_argument(
            "--impersonal",
            action="store_true",
            help="It says nothing about a person, and is not in the answer to a "
            "request for access.",
        )
        parser.add_argument(
            "--editable",
            action="store_true",
            help="Recipients may edit it on the page with their preferences.",
        )

    def run(self, **options: Any) -> None:
        field = fields.create_field(
            options["label"],
            options["type"],
            choices=options["choice"],
            is_personal=not options["impersonal"],
            is_editable=options["editable"],
        )
        self.say(f"Field {field.slug} is created.")
