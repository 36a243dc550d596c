"""make_link PROFILE (PAGE | --one-click) [--delivery D | --service S]"""

from dataclasses import replace
from typing import Any

from audiences import landing_pages, links, profiles, subscriptions
from audiences.links import Link
from audiences.models import Profile
from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_profile
from delivery import deliveries


class Command(CampaignCommand):
    help = (
        "Print the personal link of a profile: to a landing page, or the one-click "
        "link of a message. A link opts out for ever. Whoever has it can opt this "
        "person out: treat it like a letter to them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_profile(parser)
        parser.add_argument(
            "page", metavar="PAGE", nargs="?", help="The slug of a landing page."
        )
        parser.add_argument(
            "--one-click",
            action="store_true",
            help="The link of the List-Unsubscribe header (RFC 8058).",
        )
        about = parser.add_mutually_exclusive_group()
        about.add_argument(
            "--delivery",
            metavar="D",
            help="The message that carries the link: it ends the subscription to the "
            "delivery's service, or opts out of its channel.",
        )
        about.add_argument(
            "--service", metavar="S", help="The service that the link ends."
        )

    def run(self, **options: Any) -> None:
        if bool(options["page"]) == options["one_click"]:
            raise CommandError("Give either PAGE or --one-click.", returncode=2)
        link = _about(profiles.find(options["profile"]), options)
        if options["one_click"]:
            self.say(links.one_click_url(link))
            return
        page = landing_pages.find(options["page"])
        if page.live_version is None:
            self.note("The page is not published: the built-in page is shown.")
        if page.service and not link.service_id:
            channel = page.service.channel
            link = replace(link, service_id=page.service.pk, channel=channel)
        self.say(links.page_url(replace(link, page=page.slug, kind=page.kind)))


def _about(profile: Profile, options: dict[str, Any]) -> Link:
    """What the link is about: a delivery, a service, or else email."""
    if options["delivery"]:
        return deliveries.link(deliveries.find(options["delivery"]), profile.pk)
    if options["service"]:
        service = subscriptions.find_service(options["service"])
        return Link(profile.pk, service.channel, service.pk)
    return Link(profile.pk)
