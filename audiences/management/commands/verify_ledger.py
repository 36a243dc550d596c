"""verify_ledger [--checkpoint FILE …] [--public-key KEY …] [--json]"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audiences import ledger
from audiences.ledger import notes
from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_json


class Command(CampaignCommand):
    help = (
        "Prove that the history, its evidence and the published wordings are what was "
        "sealed, and that every checkpoint is a beginning of the ledger. Exit code 1 "
        "with what differs, is missing or was put in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--checkpoint",
            metavar="FILE",
            type=Path,
            action="append",
            default=[],
            help="Checkpoints that were kept elsewhere; a file may hold several, and "
            "the option can be repeated.",
        )
        parser.add_argument(
            "--public-key",
            metavar="KEY",
            action="append",
            default=[],
            help="Only believe checkpoints signed by this verifier key (default: the "
            "key of this site, and those in LEDGER_FORMER_KEYS).",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        keys = [notes.VerifierKey.of(text) for text in options["public_key"]]
        claims = list(_claims(options["checkpoint"]))
        with self.progress("Verifying") as on_progress:
            found = ledger.verify(
                claims, keys=keys or ledger.known_keys(), on_progress=on_progress
            )
        count = len(found.differences) + found.unnamed
        if options["json"]:
            self.write_json(
                {
                    "consistent": found.is_consistent,
                    "leaves": found.leaves,
                    "checkpoints": found.checkpoints,
                    "unsealed": found.unsealed,
                    "differences": [
                        {"what": d.what, "id": d.id, "problem": d.problem}
                        for d in found.differences
                    ],
                    "unnamed": found.unnamed,
                }
            )
        else:
            for difference in found.differences:
                self.say(str(difference))
            if found.unnamed:
                self.say(f"and {found.unnamed:,} more")
        if found.unsealed:
            self.note(f"{found.unsealed:,} events are not sealed yet: seal_ledger.")
        if not found.is_consistent:
            raise CommandError(f"{count:,} differences.")
        self.note(
            f"{found.leaves:,} leaves and {found.checkpoints:,} checkpoints agree with "
            "the database."
        )


def _claims(paths: list[Path]) -> Iterator[ledger.Claim]:
    for path in paths:
        try:
            found = notes.split(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"--checkpoint {path}: {error}") from error
        if not found:
            raise CommandError(f"--checkpoint {path}: there is no checkpoint in it.")
        for note in found:
            yield ledger.Claim(str(path), note)
