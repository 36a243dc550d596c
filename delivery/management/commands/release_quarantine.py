"""release_quarantine ADDRESS --channel C, or --text T --from TIME --to TIME"""

from typing import Any

from audiences.channels import Channel
from audiences.models import AddressStatus
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_channel,
    add_json,
    end_moment,
    moment,
)
from delivery import quarantine


class Command(CampaignCommand):
    help = (
        "Set an address to valid, also from the denylist; or release many at once: "
        "those that an error in a period with a certain text brought into "
        "quarantine, such as a provider's outage. The bulk release never touches "
        "the denylist, nor an address that other errors or an operator would keep "
        "in quarantine."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", metavar="ADDRESS", nargs="?")
        add_channel(parser)
        parser.add_argument("--text", help="What the error text contains.")
        parser.add_argument("--from", dest="start", type=moment, metavar="TIME")
        parser.add_argument("--to", dest="end", type=end_moment, metavar="TIME")
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would be released."
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        bulk = [options["text"], options["start"], options["end"]]
        if options["address"]:
            if any(bulk) or not options["channel"] or options["dry_run"]:
                raise CommandError(
                    "One address: ADDRESS --channel C. Many: --text T --from TIME "
                    "--to TIME [--dry-run].",
                    returncode=2,
                )
            self._release_one(options)
        elif all(bulk):
            if options["start"] > options["end"]:
                raise CommandError("--from is later than --to.", returncode=2)
            self._release_many(options)
        else:
            raise CommandError(
                "Give ADDRESS --channel C, or --text T --from TIME --to TIME.",
                returncode=2,
            )

    def _release_one(self, options: dict[str, Any]) -> None:
        entry = quarantine.set_status(
            options["channel"],
            options["address"],
            AddressStatus.VALID,
            source="command",
        )
        if options["json"]:
            released = int(entry.status == AddressStatus.VALID)
            self.write_json({"released": released, "kept": 1 - released})
        else:
            self.say(f"{options['address']} is {entry.status}.")

    def _release_many(self, options: dict[str, Any]) -> None:
        result = quarantine.release_matching(
            options["text"],
            options["start"],
            options["end"],
            channel=Channel(options["channel"]) if options["channel"] else None,
            source="command",
            dry_run=options["dry_run"],
        )
        if options["json"]:
            self.write_json(
                {
                    "released": len(result.released),
                    "kept": len(result.kept),
                    "dry_run": options["dry_run"],
                }
            )
            return
        for channel, key in result.kept:
            self.note(f"{channel} {key} stays: other errors or an operator hold it.")
        done = "would be released" if options["dry_run"] else "are released"
        self.say(f"{len(result.released):,} addresses {done}.")
