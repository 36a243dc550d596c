"""ledger_checkpoint [--to FILE] [--public-key]"""

from pathlib import Path
from typing import Any

from audiences import ledger
from audiences.terminal import CampaignCommand, CommandError, CommandParser


class Command(CampaignCommand):
    help = (
        "Sign how many leaves the ledger has, and their root: a checkpoint, as a "
        "signed note (C2SP). Keep it where the owner of the database cannot reach it; "
        "verify_ledger --checkpoint then shows whether anything before it was altered."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to",
            metavar="FILE",
            type=Path,
            help="Where to write it (default: stdout).",
        )
        parser.add_argument(
            "--public-key",
            action="store_true",
            help="Print the verifier key instead: what others check signatures with.",
        )

    def run(self, **options: Any) -> None:
        if options["public_key"]:
            self.say(str(ledger.public_key()))
            return
        checkpoint, is_new = ledger.make_checkpoint()
        if not options["to"]:
            self.stdout.write(checkpoint.note, ending="")
        else:
            try:
                options["to"].write_text(checkpoint.note, encoding="utf-8")
            except OSError as error:
                raise CommandError(f"--to: {error}") from error
            self.say(f"A checkpoint of {checkpoint.size:,} leaves: {options['to']}")
        if not is_new:
            self.note("Nothing was sealed since the last checkpoint: it is that one.")
        if ledger.unsealed().exists():
            self.note("Some events are not sealed yet: run seal_ledger first.")
