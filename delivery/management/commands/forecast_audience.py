"""forecast_audience NAME --channel C [--purpose P] [--typology T] [--json]"""

from typing import Any

from audiences import membership
from audiences.models import Audience
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
from delivery.rules import rule_rows


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
        audience = _audience(options["name"])
        if options["overlap"]:
            self._overlap(audience, options)
            return
        if not options["channel"]:
            raise CommandError("Give --channel C, or --overlap NAME.", returncode=2)
        slug = options["typology"]
        report = analysis.forecast(
            audience,
            options["channel"],
            purpose=options["purpose"],
            typology=rule_rows.find(slug) if slug else None,
        )
        if options["json"]:
            self.write_json(_as_json(audience, report))
            return
        self.write_table(
            ["", "profiles"],
            [
                ["Targeted (everyone in the audience)", report.targeted],
                ["To deliver", report.to_deliver],
                *([line.label, line.count] for line in report.causes),
            ],
            title=f"Forecast: {audience.name} by {options['channel']}",
        )

    def _overlap(self, audience: Audience, options: dict[str, Any]) -> None:
        other = _audience(options["overlap"])
        counts = forecasting.overlap(audience, other)
        if options["json"]:
            self.write_json({"audiences": [audience.name, other.name], **counts})
            return
        self.write_table(
            [audience.name, other.name, "in both"],
            [[counts["first"], counts["second"], counts["both"]]],
        )


def _audience(name: str) -> Audience:
    """The audience that is meant; nothing is stored for it here."""
    if name == "everyone":
        return Audience(name=name, kind=Audience.Kind.EVERYONE)
    kind, colon, slug = name.partition(":")
    if colon and kind == "service":
        return Audience(
            name=name, kind=Audience.Kind.SUBSCRIBERS, service=find_service(slug)
        )
    return membership.find_audience(name)


def _as_json(audience: Audience, report: analysis.Report) -> dict[str, Any]:
    return {
        "audience": audience.name,
        "channel": report.delivery.channel,
        "purpose": report.delivery.purpose,
        "targeted": report.targeted,
        "to_deliver": report.to_deliver,
        "excluded": report.excluded,
        "causes": [vars(line) for line in report.causes],
        "warnings": [vars(line) for line in report.warnings],
        "seconds": round(report.seconds, 3),
    }
