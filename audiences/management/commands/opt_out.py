"""opt_out PROFILE (--channel C | --any) [--note N]"""

from typing import Any

from audiences import consent, profiles
from audiences.channels import Scope
from audiences.consent import Origin, Source
from audiences.terminal import CampaignCommand, CommandParser, add_profile, add_scope


class Command(CampaignCommand):
    help = (
        "Opt a profile out of a channel, or of any channel. All its addresses on the "
        "channel are excluded from then on. Doing it twice changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_profile(parser)
        add_scope(parser)
        parser.add_argument("--note", default="", help="Why; kept with the history.")

    def run(self, **options: Any) -> None:
        profile = profiles.find(options["profile"])
        scope = Scope(options["scope"])
        origin = Origin(source=Source.COMMAND, note=options["note"])
        result = consent.opt_out(profile, scope, origin)
        done = "is opted out of" if result.changed else "was already opted out of"
        self.say(f"Profile {profile.pk} {done} {scope.label.lower()}.")
