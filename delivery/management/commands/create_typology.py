"""create_typology SLUG --rules CODE,CODE…"""

from typing import Any

from audiences.terminal import CampaignCommand, CommandParser
from delivery.rules import writing


class Command(CampaignCommand):
    help = (
        "Create a typology: the rules that a delivery applies besides the native ones, "
        "in this order (filtering rules decide before fatigue rules)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument(
            "--rules",
            metavar="RULE",
            nargs="*",
            default=[],
            help="Codes such as filter:minors, or slugs; with spaces or commas.",
        )
        parser.add_argument("--label", default="")
        parser.add_argument(
            "--default", action="store_true", help="Deliveries have it unless they say."
        )

    def run(self, **options: Any) -> None:
        names = [n for text in options["rules"] for n in text.split(",") if n]
        typology = writing.create_typology(
            options["slug"],
            rules=names,
            label=options["label"],
            is_default=options["default"],
        )
        uses = typology.uses.select_related("rule")
        listed = ", ".join(use.rule.code for use in uses) or "native rules only"
        self.say(f"{typology.slug}: {listed}")
