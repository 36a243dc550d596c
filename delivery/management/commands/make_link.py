"""make_link PROFILE (PAGE | --one-click) [--delivery D | --service S] [--to ADDRESS]"""

from dataclasses import replace
from typing import Any

from audiences import addresses, landing_pages, links, profiles, subscriptions
from audiences.links import Link
from audiences.links.web_addresses import sent
from audiences.models import Address, Profile
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

        parser.add_argument(
            "--to",
            metavar="ADDRESS",
            help="The address that the link is for, where it is not PROFILE's primary "
            "one on the channel of the link: it starts messages there alone, and only "
            "while that address is the primary one.",
        )

    def run(self, **options: Any) -> None:
        if bool(options["page"]) == options["one_click"]:
            raise CommandError("Give either PAGE or --one-click.", returncode=2)
        profile = profiles.find(options["profile"])
        link = _about(profile, options)
        if options["one_click"]:
            self.say(links.one_click_url(link))
            return
        page = landing_pages.find(options["page"])
        if page.live_version is None:
            self.note("The page is not published: the built-in page is shown.")
        if page.service and not link.service_id:
            channel = page.service.channel
            link = replace(link, service_id=page.service.pk, channel=channel)
        link = replace(link, page=page.slug, kind=page.kind)
        address = _address(profile, link.channel, options)
        if address is None:
            self.note(
                f"The profile has no address for {link.channel}: this link can only "
                "stop messages."
            )
        else:
            link = sent(link, address.channel, address.key)
        self.say(links.page_url(link))


def _address(profile: Profile, channel: str, options: dict[str, Any]) -> Address | None:
    """Where the link goes: --to, the address that names the profile, or the primary."""
    rows = profile.addresses.filter(is_valid=True)
    if options["to"]:
        given = addresses.readings(options["to"])
        for row in rows.order_by("-is_primary", "pk"):
            if (row.channel, row.key) in given:
                return row
        raise CommandError(f"The profile does not have the address {options['to']}.")
    named = options["profile"].removeprefix("addr:")
    keys = [key for of, key in addresses.readings(named) if of == channel]
    rows = rows.filter(channel=channel)
    return rows.filter(key__in=keys).first() or rows.filter(is_primary=True).first()


def _about(profile: Profile, options: dict[str, Any]) -> Link:
    """What the link is about: a delivery, a service, or else email."""
    if options["delivery"]:
        return deliveries.link(deliveries.find(options["delivery"]), profile.pk)
    if options["service"]:
        service = subscriptions.find_service(options["service"])
        return Link(profile.pk, service.channel, service.pk)
    return Link(profile.pk)
