"""reset_second_factor NAME"""

from typing import Any

from django.contrib.auth.models import User
from django.core.management import CommandParser

from audiences.console import sign_in
from audiences.terminal import CampaignCommand, CommandError


class Command(CampaignCommand):
    help = (
        "Take away the second factor of an operator who lost it, and sign them out "
        "everywhere. For the last administrator; of others it is reset on their page."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="The user name of the operator.")

    def run(self, **options: Any) -> None:
        user = User.objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {options['name']!r}.")
        had_one = sign_in.reset(user)
        sign_in.end_all(user)
        self.say(f"{user}: " + ("reset." if had_one else "there was none."))
