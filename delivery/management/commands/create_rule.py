"""create_rule SLUG --kind filtering|fatigue|control …"""

from pathlib import Path
from typing import Any

from audiences.channels import Channel
from audiences.terminal import CampaignCommand, CommandError, CommandParser, read_json
from delivery.models import TypologyRule
from delivery.rules import controls, writing

# What each kind needs on the command line.
NEEDED = {
    "filtering": ("condition",),
    "fatigue": ("max", "days"),
    "control": ("check",),
}


class Command(CampaignCommand):
    help = (
        "Create a rule for typologies. filtering: --condition FILE excludes who meets "
        "it. fatigue: --max N --days D [--channel C] [--profile-limit]. control: "
        "--check CODE [--severity error|warning]."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG")
        parser.add_argument("--kind", required=True, choices=list(NEEDED))
        parser.add_argument("--label", default="", help="What reports call it.")
        parser.add_argument("--condition", metavar="FILE", type=Path)
        parser.add_argument(
            "--max", type=int, help="Messages in the period; 1 or more."
        )
        parser.add_argument("--days", type=int, help="The period, in calendar days.")
        parser.add_argument(
            "--channel",
            choices=["all", *Channel.values],
            default="all",
            help="Whose messages count (default all).",
        )
        parser.add_argument(
            "--profile-limit",
            action="store_true",
            help="A profile's own message limit replaces --max.",
        )
        parser.add_argument("--check", choices=list(controls.CHECKS))
        parser.add_argument(
            "--severity",
            choices=TypologyRule.Severity.values,
            default=TypologyRule.Severity.ERROR,
        )

    def run(self, **options: Any) -> None:
        kind = options["kind"]
        missing = [f"--{n}" for n in NEEDED[kind] if options[n] is None]
        if missing:
            raise CommandError(f"{kind} needs {' and '.join(missing)}.", returncode=2)
        rule = getattr(self, f"_{kind}")(options)
        self.say(f"{rule.code}: {rule.label}")

    def _filtering(self, options: dict[str, Any]) -> TypologyRule:
        return writing.create_filtering_rule(
            options["slug"],
            condition=read_json(options["condition"]),
            label=options["label"],
        )

    def _fatigue(self, options: dict[str, Any]) -> TypologyRule:
        channel = options["channel"]
        return writing.create_fatigue_rule(
            options["slug"],
            maximum=options["max"],
            period_days=options["days"],
            channel="" if channel == "all" else channel,
            uses_profile_limit=options["profile_limit"],
            label=options["label"],
        )

    def _control(self, options: dict[str, Any]) -> TypologyRule:
        return writing.create_control_rule(
            options["slug"],
            check=options["check"],
            severity=options["severity"],
            label=options["label"],
        )
