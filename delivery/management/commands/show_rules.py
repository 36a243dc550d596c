"""show_rules [--typology SLUG] [--json]"""

from typing import Any

from audiences.terminal import CampaignCommand, CommandParser, add_json
from delivery.models import Delivery
from delivery.rules import rules_of, typologies

Purpose = Delivery.Purpose


class Command(CampaignCommand):
    help = (
        "Show the rules that judge profiles, in the order in which they decide, and "
        "which purposes skip them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--typology", metavar="SLUG", help="Without it, the default typology."
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        slug = options["typology"]
        typology = typologies.find(slug) if slug else None
        rules = rules_of(typology)
        if options["json"]:
            self.write_json(
                {
                    "rules": [
                        {
                            "code": rule.code,
                            "label": str(rule.label),
                            "about": rule.about,
                            "skipped_by": sorted(rule.skipped_by),
                        }
                        for rule in rules
                    ]
                }
            )
            return
        self.write_table(
            ["code", "excludes a profile that", *(str(p.label) for p in Purpose)],
            [
                [
                    rule.code,
                    rule.about,
                    *("skipped" if p in rule.skipped_by else "judges" for p in Purpose),
                ]
                for rule in rules
            ],
        )
