"""subscribe PROFILE SERVICE [--note N]"""

from typing import Any

from audiences import profiles, subscriptions
from audiences.consent import Origin, Source
from audiences.terminal import CampaignCommand, CommandParser, add_profile


class Command(CampaignCommand):
    help = (
        "Subscribe a profile to a service, at once, also where visitors must confirm. "
        "An opt-out stays as it is: the command succeeds and warns. Whoever has "
        "unsubscribed is subscribed again only with a note."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_profile(parser)
        parser.add_argument("service", metavar="SERVICE", help="The slug of a service.")
        parser.add_argument(
            "--note",
            default="",
            help="How the person asked for it; kept with the history.",
        )

    def run(self, **options: Any) -> None:
        profile = profiles.find(options["profile"])
        service = subscriptions.find_service(options["service"])
        origin = Origin(source=Source.COMMAND, note=options["note"])
        result = subscriptions.subscribe(profile, service, origin)
        done = "is subscribed" if result.changed else "was already subscribed"
        self.say(f"Profile {profile.pk} {done} to {service.slug}.")
        if result.warning:
            self.note(f"Warning: {result.warning}")
