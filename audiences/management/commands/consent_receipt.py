"""consent_receipt PROFILE [--event ID] [--checkpoint FILE] --to FILE.json"""

from pathlib import Path
from typing import Any

from audiences import ledger, profiles
from audiences.ledger import notes, receipts
from audiences.profiles import LARGEST_ID
from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_profile,
    number,
)

# Seconds to wait until what was just committed can be sealed.
PATIENCE = 30


class Command(CampaignCommand):
    help = (
        "Write what a person agreed to, when and how, with proofs for an outsider, who "
        "checks the file with docs/verify_receipt.py, a checkpoint and the public key. "
        "What is committed is sealed first, and signed where no checkpoint covers it."
    )
    shared = (add_profile,)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--event",
            metavar="ID",
            type=number(1, LARGEST_ID),
            help="Only this event of the person.",
        )
        parser.add_argument(
            "--checkpoint",
            metavar="FILE",
            type=Path,
            help="Prove it by this checkpoint, which somebody kept (default: the "
            "newest).",
        )
        parser.add_argument(
            "--to", metavar="FILE", type=Path, required=True, help="Where to write it."
        )

    def run(self, **options: Any) -> None:
        profile = profiles.find(options["profile"])
        size = None
        if options["checkpoint"]:
            size = self._size(options["checkpoint"])
        else:
            ledger.seal_all(PATIENCE)
            ledger.make_checkpoint()
        made = receipts.receipt(profile, options["event"], size=size)
        try:
            text = receipts.as_text(made.data)
            options["to"].write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"--to: {error}") from error
        records = made.data["consent_records"]
        self.say(f"A receipt of {len(records):,} events: {options['to']}")
        if made.waiting:
            self.note(f"{len(made.waiting):,} events are not covered yet.")

    def _size(self, path: Path) -> int:
        try:
            found = notes.split(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"--checkpoint {path}: {error}") from error
        keys = ledger.known_keys()
        sizes = [notes.read(note, *keys).size for note in found]
        if not sizes:
            raise CommandError(f"--checkpoint {path}: there is no checkpoint in it.")
        return max(sizes)
