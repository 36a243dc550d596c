"""Nothing that a mail holds makes the reader raise, or take long, or take much memory."""

import os
import random
import time
import tracemalloc

import pytest

from delivery.feedback.mails.mime import MOST_DEPTH, MOST_PARTS, take_apart
from delivery.feedback.mails.reader import read, reading_of

from .corpus import mails_of
from .mutations import BOMBS, mutated

MAILS = [raw for _name, raw in mails_of()]
# How many mutated mails; a whole run has 10,000.
FUZZ = int(os.environ.get("FUZZ", "400"))
# A mail takes a hundredth of this; a machine that is busy takes longer.
SECONDS = 2.0


def test_a_mutated_mail_raises_nothing_and_takes_no_time():
    dice = random.Random(20260501)
    for number in range(FUZZ):
        raw = mutated(dice.choice(MAILS), dice)
        started = time.perf_counter()
        try:
            reading_of(raw)
        except Exception as error:
            raise AssertionError(f"mutation {number} raised") from error
        assert time.perf_counter() - started < SECONDS, number


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_time(name):
    started = time.perf_counter()
    reading_of(BOMBS[name])
    assert time.perf_counter() - started < SECONDS


def test_a_bomb_takes_no_memory():
    for name in ("thirty megabytes of base64", "parts within parts", "addresses"):
        raw = BOMBS[name]
        tracemalloc.start()
        read(raw)
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 20_000_000, name


def test_depth_and_number_of_parts_have_limits():
    for raw in BOMBS.values():
        mail = take_apart(raw)
        assert len(list(mail.walk())) <= MOST_PARTS + 1
        assert _depth(mail) <= MOST_DEPTH + 1


def _depth(part):
    return 1 + max((_depth(inner) for inner in part.parts), default=0)


def test_a_defect_of_the_reader_loses_no_mail(monkeypatch):
    def breaks(raw):
        raise RuntimeError

    monkeypatch.setattr("delivery.feedback.mails.reader.take_apart", breaks)
    assert read(b"From: a@b.example\n\n").kind == "unreadable"


@pytest.mark.parametrize("raw", [b"", b"\0", b"\n\n\n", b"\xff" * 100])
def test_what_is_no_mail_is_unreadable(raw):
    assert read(raw).kind == "unreadable"
