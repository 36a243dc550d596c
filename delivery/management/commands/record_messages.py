"""record_messages DELIVERY FILE [--rejects PATH] [--json]"""

from typing import Any

from audiences.terminal import CommandParser, add_delivery
from audiences.terminal.imports import ImportCommand, reading_of
from delivery import deliveries
from delivery.sending.files import MessagesImporter


class Command(ImportCommand):
    line_end = "\n"
    help = (
        "Record what another system handed over: a file with the columns address "
        "and if you like time (without it: now), message_id, provider_id and profile. "
        "A message counts once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        super().add_arguments(parser)

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        reading = reading_of(options)
        counts = self.import_file(
            options, lambda file: MessagesImporter(file, delivery, reading)
        )
        self.report(options, counts)
