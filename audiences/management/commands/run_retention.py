"""run_retention [--dry-run] [--json]"""

from typing import Any

from audiences.privacy import retention
from audiences.terminal import CampaignCommand, CommandParser, add_json


class Command(CampaignCommand):
    help = (
        "Do what the rules of retention say that are in force: each was set by one "
        "person in the console, and confirmed by another. Celery's beat does it each "
        "night; without it, run this. --dry-run says what it would do, also for rules "
        "that nobody has confirmed yet."
    )
    shared = (add_json,)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what it would do, do nothing."
        )

    def run(self, **options: Any) -> None:
        done = {} if options["dry_run"] else retention.run()
        rules = [
            {
                "rule": standing.sort.code,
                "months": standing.rule.months,
                "in_force": standing.is_in_force,
                "would_remove": standing.due,
                "removed": done.get(standing.sort.code, 0),
            }
            for standing in retention.standings()
        ]
        if options["json"]:
            self.write_json({"dry_run": options["dry_run"], "rules": rules})
            return
        which = "would_remove" if options["dry_run"] else "removed"
        self.write_table(
            ["rule", "months", "in force", which.replace("_", " ")],
            [
                [
                    rule["rule"],
                    rule["months"] or "for ever",
                    "yes" if rule["in_force"] else "no",
                    rule[which],
                ]
                for rule in rules
            ],
        )
