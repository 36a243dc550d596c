"""opt_in PROFILE (--channel C | --any) --note N"""

from typing import Any

from audiences import consent, profiles
from audiences.channels import Scope
from audiences.consent import Origin, Source
from audiences.terminal import CampaignCommand, CommandParser, add_profile, add_scope


class Command(CampaignCommand):
    help = (
        "Clear the opt-out of a profile for a channel, or for any channel. The flags "
        "are independent: clearing one leaves the others as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_profile(parser)
        add_scope(parser)
        parser.add_argument(
            "--note", required=True, help="How the person asked for it; required."
        )

    def run(self, **options: Any) -> None:
        profile = profiles.find(options["profile"])
        scope = Scope(options["scope"])
        origin = Origin(source=Source.COMMAND, note=options["note"])
        result = consent.opt_in(profile, scope, origin)
        done = "is opted in to" if result.changed else "was not opted out of"
        self.say(f"Profile {profile.pk} {done} {scope.label.lower()}.")
        if result.warning:
            self.note(f"Warning: {result.warning}")
