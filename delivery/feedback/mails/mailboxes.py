"""Where mails come from: files, a pipe, a maildir, an mbox, an IMAP mailbox.

Each source yields mails one by one. Nothing is deleted unless the caller asks for it,
and then only once the mail is stored. At most FEEDBACK_LARGEST bytes of a mail are
read.
"""

import mailbox
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from audiences.refusals import Refused
from delivery.feedback import intake
from delivery.feedback.mails.reading import SOURCE
from delivery.models import InboundItem

State = InboundItem.State
_PIECE = 64 * 1024
# Mails that are stored together if their source need not know of each.
BATCH = 200


class NoMailbox(Refused):
    """The place cannot be read; the message says why."""


@dataclass(frozen=True)
class Mail:
    """A mail from a source; `size` is its size before it was cut off.

    `stored` is called once it is in our database, before the next one is read. If None,
    the source need not know, so several may be stored at once.
    """

    raw: bytes
    size: int
    stored: Callable[[], None] | None = lambda: None


@dataclass
class MailCounts:
    """The result of a run. `duplicates` were there already."""

    received: int = 0
    duplicates: int = 0
    applied: int = 0
    ignored: int = 0
    waiting: int = 0

    def add(self, item: InboundItem) -> None:
        if item.state == State.APPLIED:
            self.applied += 1
        elif item.state == State.IGNORED:
            self.ignored += 1
        elif item.is_waiting:
            self.waiting += 1


def take_in(mails: Iterable[Mail], counts: MailCounts | None = None) -> MailCounts:
    """Store each mail, tell its source, and apply what it says."""
    counts = counts or MailCounts()
    for batch in _batches(mails):
        arrived = intake.receive_mails(SOURCE, [(m.raw, m.size) for m in batch])
        for mail, (_item, is_new) in zip(batch, arrived, strict=True):
            if mail.stored:
                mail.stored()
            counts.received += is_new
            counts.duplicates += not is_new
        new = {item.pk: item for item, _is in arrived if item.state == State.NEW}
        for item in intake.process_all(new.values()):
            counts.add(item)
    return counts


def _batches(mails: Iterable[Mail]) -> Iterator[list[Mail]]:
    """Mails that can be stored together, including those before a failing source."""
    batch: list[Mail] = []
    try:
        for mail in mails:
            batch.append(mail)
            if mail.stored or len(batch) >= BATCH:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def stream(source: BinaryIO) -> Iterator[Mail]:
    """One mail from a pipe; anything past the limit is read and discarded."""
    raw = source.read(settings.FEEDBACK_LARGEST)
    size = len(raw)
    while piece := source.read(_PIECE):
        size += len(piece)
    if raw:
        yield Mail(raw, size)


def files(paths: Iterable[Path], *, delete: bool = False) -> Iterator[Mail]:
    """One mail in each file. Raises NoMailbox before any is read."""
    checked = [_readable(path) for path in paths]
    for path in checked:
        yield _file(path, delete=delete)


def _readable(path: Path) -> Path:
    try:
        with path.open("rb"):
            return path
    except IsADirectoryError as error:
        raise NoMailbox(
            _("{path} is a directory: give it with --maildir.").format(path=path)
        ) from error
    except OSError as error:
        raise NoMailbox(f"{path}: {error.strerror}") from error


def _file(path: Path, *, delete: bool) -> Mail:
    with path.open("rb") as file:
        raw = file.read(settings.FEEDBACK_LARGEST)
    stored = (lambda: path.unlink(missing_ok=True)) if delete else None
    return Mail(raw, path.stat().st_size, stored)


def maildir(path: Path, *, delete: bool = False) -> Iterator[Mail]:
    """The mails of a maildir, new and read ones; they stay where they are."""
    folders = [path / "new", path / "cur"]
    if not all(folder.is_dir() for folder in folders):
        raise NoMailbox(
            _("{path} is no maildir: it lacks new and cur.").format(path=path)
        )
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if file.is_file() and not file.name.startswith("."):
                try:
                    mail = _file(file, delete=delete)
                except FileNotFoundError:
                    continue  # a mail program has moved it; the next run will find it
                yield mail


def mbox(path: Path, *, delete: bool = False) -> Iterator[Mail]:
    """The mails of an mbox file; with `delete` it is locked meanwhile."""
    _readable(path)
    box = mailbox.mbox(path, create=False)
    if delete:
        try:
            box.lock()
        except mailbox.ExternalClashError as error:
            raise NoMailbox(
                _("{path} is locked by another program.").format(path=path)
            ) from error
    done: list[str] = []
    try:
        for key in box.keys():  # noqa: SIM118  (iterating a mailbox parses its mails)
            with box.get_file(key) as file:
                raw = file.read(settings.FEEDBACK_LARGEST)
                size = len(raw) + len(file.read())
            yield Mail(raw, size, partial(done.append, key) if delete else None)
    finally:
        if delete:
            for key in done:
                box.discard(key)
            box.flush()
            box.unlock()
        box.close()
