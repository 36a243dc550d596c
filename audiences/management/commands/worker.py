"""worker [--threads N] [--unkept] [--with-parent]"""

from typing import Any

from django.conf import settings

from audiences.background import worker
from audiences.terminal import CampaignCommand, CommandParser, number


class Command(CampaignCommand):
    help = (
        "Do the background work, and what is due by the clock: send deliveries and the "
        "mails of the public pages, go on with analyses, clean up each night. Runs "
        "until it is stopped; if it dies, it is started again. Any number may run, on "
        "any number of machines: one of their clocks ticks."
    )
    # It waits for the database and the queue; nothing is to be migrated for that.
    needs_migrated_database = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--threads",
            type=number(1, 64),
            default=settings.WORKER_THREADS,
            metavar="N",
            help="How many tasks it works on at once (default: WORKER_THREADS).",
        )
        parser.add_argument(
            "--unkept",
            action="store_true",
            help="Work in this process: something else starts it again if it dies.",
        )
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="Also stop when standard input ends: with the process that holds it.",
        )

    def run(self, **options: Any) -> None:
        with_parent, threads = options["with_parent"], options["threads"]
        if with_parent or options["unkept"]:
            worker.run(threads=threads, with_parent=with_parent)
        else:
            worker.run_kept(threads)
