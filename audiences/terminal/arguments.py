"""Arguments that several commands have."""

import argparse
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from audiences import moments
from audiences.channels import ANY, Channel


def add_channel(parser: CommandParser, **kwargs: Any) -> None:
    parser.add_argument(
        "--channel", choices=Channel.values, help="The channel.", **kwargs
    )


def add_scope(parser: CommandParser) -> None:
    """--channel C or --any, one of them."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--channel", dest="scope", choices=Channel.values)
    group.add_argument(
        "--any",
        dest="scope",
        action="store_const",
        const=ANY,
        help="Any channel: the flag that stops everything.",
    )


def add_json(parser: CommandParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="One JSON object on stdout, nothing else."
    )


def add_profile(parser: CommandParser) -> None:
    parser.add_argument(
        "profile",
        metavar="PROFILE",
        help="An id, an external id or an address; id:, ext: and addr: say which.",
    )


def add_delivery(parser: CommandParser) -> None:
    parser.add_argument(
        "delivery",
        metavar="DELIVERY",
        help="An id or the exact label; id: and label: say which.",
    )


def moment(text: str) -> datetime:
    """An argument that is a date or a time (ISO 8601); local unless it says."""
    try:
        parsed = moments.read(text)
    except moments.BadMoment as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if parsed is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time such as 2026-05-01 or 2026-05-01T14:30+02:00"
        )
    return parsed


def end_moment(text: str) -> datetime:
    """Like `moment`, but a date alone is the last moment of that day."""
    parsed, day = moment(text), moments.read_day(text)
    return moments.last_moment(day) if day else parsed


def number(low: int, high: int) -> Callable[[str], int]:
    """An argument that is a whole number between these, both included."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and low <= int(text[:20]) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from {low} to {high}"
        )

    return read


def place_of_rejects(source: Path, wanted: Path | None) -> Path:
    """Where the rejects of a file go; raises CommandError when nothing can."""
    path = wanted or Path(f"{source}.rejects.csv")
    if path.resolve() == source.resolve():
        raise CommandError("--rejects is the file itself.", returncode=2)
    writable = path if path.exists() else path.parent
    if path.is_dir() or not os.access(writable, os.W_OK):
        raise CommandError(f"--rejects: {path} cannot be written.")
    return path
