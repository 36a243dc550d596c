"""create_delivery --label L --channel C [options]: prints the id."""

import getpass
from pathlib import Path
from typing import Any

from audiences import membership, subscriptions
from audiences.models import Audience
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_channel,
    moment,
)
from audiences.terminal.imports import add_source
from delivery import deliveries
from delivery.models import Delivery
from delivery.rules import typologies


class Command(CampaignCommand):
    help = (
        "Create a delivery and print its id. The audience is everyone unless given; "
        "with --service, profiles without an active subscription are excluded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--label", required=True, help="Its name; unique.")
        add_channel(parser, required=True)
        parser.add_argument("--service", metavar="SLUG")
        parser.add_argument(
            "--audience",
            default="everyone",
            metavar="AUDIENCE",
            help="everyone, service:SLUG, list:FILE (one PROFILE a line), or a name.",
        )
        add_source(parser, of="the list")
        parser.add_argument(
            "--purpose", default=Delivery.Purpose.MARKETING, choices=Delivery.Purpose
        )
        parser.add_argument(
            "--purpose-note",
            metavar="NOTE",
            help="Why a transactional or legal delivery reaches opted-out people; "
            "without it, that it was made from the shell and by whom.",
        )
        parser.add_argument(
            "--typology", metavar="SLUG", help="Its rules; without it, the default."
        )
        parser.add_argument("--subject", default="", help="The subject of an email.")
        parser.add_argument(
            "--content", type=Path, metavar="FILE", help="The message, as UTF-8."
        )
        parser.add_argument(
            "--contact-date",
            type=moment,
            metavar="D",
            help="When it is to be sent; without it, as soon as it is prepared.",
        )

    def run(self, **options: Any) -> None:
        slug = options["service"]
        source = {name: options[name] for name in ("encoding", "sheet")}
        if any(source.values()) and not options["audience"].startswith("list:"):
            raise CommandError(
                "--encoding and --sheet are for --audience list:FILE.", returncode=2
            )
        typology = options["typology"]
        made_by = f"made from the shell by {getpass.getuser()}"
        delivery = deliveries.create(
            options["label"],
            channel=options["channel"],
            audience=lambda: _audience(options["audience"], options["label"], source),
            service=subscriptions.find_service(slug) if slug else None,
            purpose=options["purpose"],
            purpose_note=options["purpose_note"] or made_by,
            typology=typologies.find(typology) if typology else None,
            subject=options["subject"],
            content=_read(options["content"]),
            contact_date=options["contact_date"],
        )
        self.say(str(delivery.pk))


def _read(path: Path | None) -> str:
    try:
        return path.read_text(encoding="utf-8-sig") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: {error}") from error


def _audience(text: str, label: str, source: dict[str, str]) -> Audience:
    kind, colon, name = text.partition(":")
    if text == "everyone":
        return membership.everyone()
    if colon and kind == "service":
        return membership.subscribers(subscriptions.find_service(name))
    if colon and kind == "list":
        return deliveries.list_audience(f"list for {label}", Path(name), **source)
    return membership.find_audience(text)
