"""erase_profile PROFILE --note N [--reason own_wish|retention] [--yes]"""

import sys
from typing import Any

from audiences import privacy, profiles
from audiences.consent import Origin, Source
from audiences.models import Profile
from audiences.suppression import ErasedFor
from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_profile


class Command(CampaignCommand):
    help = (
        "Erase a person for ever: the profile, its addresses, subscriptions and "
        "evidence. The addresses are suppressed, so that no import brings the person "
        "back. It asks before it does so; --yes answers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_profile(parser)
        parser.add_argument(
            "--note",
            required=True,
            help="Why; it is kept, so write nothing in it that names the person.",
        )
        parser.add_argument(
            "--reason",
            default=ErasedFor.OWN_WISH,
            choices=ErasedFor.values,
            help="own_wish (default): every address is suppressed on any channel. "
            "retention: only what was opted out, in quarantine or on the denylist.",
        )
        parser.add_argument(
            "--yes", action="store_true", help="Do not ask; needed without a terminal."
        )

    def run(self, **options: Any) -> None:
        profile = profiles.find(options["profile"])
        number = profile.pk
        if not options["yes"]:
            self._ask(profile)
        origin = Origin(source=Source.COMMAND, note=options["note"])
        privacy.erase(profile, reason=options["reason"], origin=origin)
        self.say(f"Profile {number} is erased.")

    def _ask(self, profile: Profile) -> None:
        number = profile.pk
        if not sys.stdin.isatty():
            raise CommandError(
                "Erasing cannot be undone: without a terminal give --yes."
            )
        plan = privacy.plan(profile)
        self.note("What goes: the profile, and everything that names the person.")
        for title, count in plan.goes:
            self.note(f"  {count:,} {title}")
        self.note("What stays: counts, events and keyed hashes, which name nobody.")
        for text in plan.stays:
            self.note(f"  {text}")
        answer = input(f"Erase profile {number} for ever? Type its number: ")
        if answer.strip() != str(number):
            raise CommandError("Nothing is erased.")
