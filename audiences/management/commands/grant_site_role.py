"""grant_site_role NAME [--dry-run]"""

from typing import Any

from audiences.consent import site_role
from audiences.terminal import CampaignCommand, CommandParser


class Command(CampaignCommand):
    help = (
        "Give a PostgreSQL role what the site needs and no more: no change of the "
        "schema, and of the histories only to read and to add. Run it as the owner of "
        "the tables; with SITE_ROLE set, each migrate does it. It can be repeated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The role as which the site connects.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Print the SQL and change nothing."
        )

    def run(self, **options: Any) -> None:
        role = options["name"]
        if options["dry_run"]:
            for sql in site_role.statements(role):
                self.say(f"{sql};")
            return
        count = site_role.grant(role)
        self.say(f"{role} has what the site needs: {count} grants.")
