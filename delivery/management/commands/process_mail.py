"""process_mail [FILE…] [--maildir DIR] [--mbox FILE] [--imap [URL]] [--delete]"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from audiences.terminal import CampaignCommand, CommandError, CommandParser, add_json
from delivery.feedback import intake
from delivery.feedback.mails import imap, mailboxes
from delivery.feedback.mails.mailboxes import Mail, MailCounts

FROM_SETTING = "setting"


class Command(CampaignCommand):
    help = (
        "Read mails that came back: bounces, complaints, unsubscribe mails. Each is "
        "stored before it is read; the same mail counts once. Without a source the "
        "mail is read from stdin, as an MTA pipes it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "files",
            metavar="FILE",
            nargs="*",
            help="A file with one mail; - is stdin.",
        )
        parser.add_argument(
            "--maildir", metavar="DIR", type=Path, help="Read a maildir."
        )
        parser.add_argument("--mbox", metavar="FILE", type=Path, help="Read an mbox.")
        parser.add_argument(
            "--imap",
            metavar="URL",
            nargs="?",
            const=FROM_SETTING,
            help="Read imaps://user:password@host/folder; without a URL, the mailbox "
            "of FEEDBACK_IMAP_URL, so that no password is on the command line.",
        )
        parser.add_argument(
            "--delete",
            action="store_true",
            help="Delete each mail where it lies, once it is stored. Without this "
            "nothing is deleted.",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        sources = self._sources(options)
        counts = MailCounts()
        try:
            mailboxes.take_in(chain.from_iterable(sources), counts)
            for item in intake.process_waiting():
                counts.add(item)
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(
                "The database failed. What was stored is read by the next run; the "
                "rest is still where it was."
            ) from error
        if options["json"]:
            self.write_json(asdict(counts))
        else:
            self.write_table(list(asdict(counts)), [list(asdict(counts).values())])

    def _sources(self, options: dict[str, Any]) -> list[Iterator[Mail]]:
        delete = options["delete"]
        names = [name for name in options["files"] if name != "-"]
        sources: list[Iterator[Mail]] = []
        if names:
            sources.append(mailboxes.files(map(Path, names), delete=delete))
        if options["maildir"]:
            sources.append(mailboxes.maildir(options["maildir"], delete=delete))
        if options["mbox"]:
            sources.append(mailboxes.mbox(options["mbox"], delete=delete))
        if options["imap"]:
            sources.append(imap.mails(_url(options["imap"]), delete=delete))
        if "-" in options["files"] or not sources:
            if sys.stdin.isatty() and "-" not in options["files"]:
                raise CommandError("Give a FILE, - or a mailbox.", returncode=2)
            sources.append(mailboxes.stream(sys.stdin.buffer))
        return sources


def _url(given: str) -> str:
    url = settings.FEEDBACK_IMAP_URL if given == FROM_SETTING else given
    if not url:
        raise CommandError(
            "FEEDBACK_IMAP_URL is not set: give the mailbox after --imap.",
            returncode=2,
        )
    return str(url)
