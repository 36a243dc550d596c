"""worker [--with-parent]"""

from typing import Any

from audiences.background import worker
from audiences.terminal import CampaignCommand, CommandParser


class Command(CampaignCommand):
    help = (
        "Do the background work of one machine, and what is due by the clock: send the "
        "mails of the public pages, go on with analyses, clean up each night. Runs "
        "until it is stopped."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="Also stop when standard input ends: with the process that holds it.",
        )

    def run(self, **options: Any) -> None:
        worker.run(with_parent=options["with_parent"])
