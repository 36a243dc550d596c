"""import_quarantine FILE [--channel C] [--dry-run] [--rejects PATH] [--json]"""

from typing import Any

from audiences.terminal import CommandParser, add_channel
from audiences.terminal.imports import ImportCommand, add_dry_run, reading_of
from delivery.quarantine.files import QuarantineImporter


class Command(ImportCommand):
    line_end = "\n"
    help = (
        "Put addresses from a file into quarantine. Columns: channel, address, and if "
        "you like status, reason, type, text, error_count, first_error_at, "
        "last_error_at. A file never lowers a status."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_channel(parser)
        add_dry_run(parser, "Say what would change.")

    def run(self, **options: Any) -> None:
        channel, reading = options["channel"] or "", reading_of(options)
        counts = self.import_file(
            options,
            lambda file: QuarantineImporter(
                file, channel=channel, source="import", reading=reading
            ),
            preview=options["dry_run"],
        )
        self.report(options, counts, dry_run=options["dry_run"])
