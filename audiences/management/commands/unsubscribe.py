"""unsubscribe PROFILE SERVICE [--note N]"""

from typing import Any

from audiences import profiles, subscriptions
from audiences.consent import Origin, Source
from audiences.terminal import CampaignCommand, CommandParser, add_profile


class Command(CampaignCommand):
    help = (
        "End a profile's subscription to a service. Its opt-outs and its other "
        "subscriptions stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_profile(parser)
        parser.add_argument("service", metavar="SERVICE", help="The slug of a service.")
        parser.add_argument("--note", default="", help="Why; kept with the history.")

    def run(self, **options: Any) -> None:
        profile = profiles.find(options["profile"])
        service = subscriptions.find_service(options["service"])
        origin = Origin(source=Source.COMMAND, note=options["note"])
        result = subscriptions.unsubscribe(profile, service, origin)
        done = "is unsubscribed" if result.changed else "was not subscribed"
        self.say(f"Profile {profile.pk} {done}: {service.slug}.")
