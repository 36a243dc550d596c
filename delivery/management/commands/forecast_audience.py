"""forecast_audience NAME --channel C [--purpose P] [--typology T] [--json]"""

from typing import Any

from audiences import membership
from audiences.membership import Members
from audiences.subscriptions import find_service
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_channel,
    add_json,
)
from delivery import analysis
from delivery.analysis import forecasting
from delivery.models import Delivery
from delivery.rules import typologies


class Command(CampaignCommand):
    help = (
        "Say how many of an audience a delivery on a channel would reach, and by cause "
        "how many it would not; or how much two audiences overlap. Stores nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", metavar="NAME", help="everyone, service:SLUG, or a name."
        )
        add_channel(parser)
        parser.add_argument(
            "--purpose", default=Delivery.Purpose.MARKETING, choices=Delivery.Purpose
        )
        parser.add_argument("--typology", metavar="SLUG")
        parser.add_argument(
            "--overlap", metavar="NAME", help="Compare with this audience instead."
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        members = _members(options["name"])
        if options["overlap"]:
            self._overlap(members, options)
            return
        if not options["channel"]:
            raise CommandError("Give --channel C, or --overlap NAME.", returncode=2)
        slug = options["typology"]
        report = analysis.forecast(
            members,
            options["channel"],
            purpose=options["purpose"],
            typology=typologies.find(slug) if slug else None,
        )
        if options["json"]:
            asked = {name: options[name] for name in ("channel", "purpose")}
            self.write_json({"audience": members.name, **asked, **report.figures()})
            return
        self.write_table(
            ["", "profiles"],
            [
                ["Targeted (everyone in the audience)", report.targeted],
                ["To deliver", report.to_deliver],
                *([line.label, line.count] for line in report.causes),
            ],
            title=f"Forecast: {members.name} by {options['channel']}",
        )

    def _overlap(self, members: Members, options: dict[str, Any]) -> None:
        other = _members(options["overlap"])
        counts = forecasting.overlap(members, other)
        if options["json"]:
            self.write_json({"audiences": [members.name, other.name], **counts})
            return
        self.write_table(
            [members.name, other.name, "in both"],
            [[counts["first"], counts["second"], counts["both"]]],
        )


def _members(name: str) -> Members:
    """The audience that is meant; nothing is stored for it here."""
    if name == "everyone":
        return Members.everyone()
    kind, colon, slug = name.partition(":")
    if colon and kind == "service":
        return Members.subscribers(find_service(slug))
    return Members.of(membership.find_audience(name))
