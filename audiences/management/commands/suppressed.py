"""suppressed ADDRESS --channel C [--json]"""

from typing import Any

from audiences import addresses, suppression
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_channel,
    add_json,
)


class Command(CampaignCommand):
    help = (
        "Tell whether an address is suppressed on a channel, since when and what for. "
        "Exit code 0 when it is, 1 when it is not, 2 when nobody can tell, because a "
        "key that is needed is lost."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS")
        add_channel(parser, required=True)
        add_json(parser)

    def run(self, **options: Any) -> None:
        channel = options["channel"]
        if lost := suppression.lost():
            raise CommandError(
                "Nobody can tell: addresses are suppressed under the key "
                f"{', '.join(sorted(lost))}, which SUPPRESSION_KEYS does not have. Put "
                "it back, after the newest one.",
                returncode=2,
            )
        key = addresses.normalise(channel, options["address"]).key
        rows = suppression.rows_about(channel, key)
        if options["json"]:
            entries = [
                {
                    "channel": row.channel,
                    "since": row.since.isoformat(),
                    "reason": row.reason,
                }
                for row in rows
            ]
            self.write_json({"suppressed": bool(rows), "entries": entries})
        for row in () if options["json"] else rows:
            said = f"{row.get_channel_display()}: {row.get_reason_display()}"
            self.say(f"Suppressed since {row.since:%Y-%m-%d %H:%M} UTC. {said}.")
        if not rows:
            raise CommandError("The address is not suppressed.")
