"""The copy beside each address: whether the list of suppressed addresses has it.

A transaction that attaches an address and one that suppresses it do not see each
other's rows. So both look again after they have committed: the later one sees all.
"""

from collections.abc import Iterable, Iterator

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from audiences.models import Address
from audiences.sql.retries import retried

from . import asking
from .keys import Name

BATCH = 2_000


def copy(names: Iterable[Name]) -> None:
    """Let every row of these addresses say what the list says, now and once committed.

    The caller is in a transaction. Rows are locked in the order of their ids.
    """
    each = sorted(set(names))
    _write(each)
    look_again(each)


def look_again(names: Iterable[Name]) -> None:
    """After the commit, mend what another transaction could not see."""
    each = list(names)
    if each and connection.features.has_select_for_update:  # SQLite has one writer
        # What fails here is not the fault of what was committed; `verify_consent` and
        # the last check before a hand-over find it.
        transaction.on_commit(lambda: _write_different(each), robust=True)


def look_again_at(attached: "QuerySet[Address]", names: Iterable[Name]) -> None:
    """`look_again` for who has just attached these rows: others look at theirs."""
    each = list(names)
    if each and connection.features.has_select_for_update:
        transaction.on_commit(lambda: _write_attached(attached, each), robust=True)


@retried
def _write_attached(attached: "QuerySet[Address]", names: list[Name]) -> None:
    met = asking.met(names)
    # Nearly always the list has none of them, and no row says so: none is fetched.
    rows = attached if met else attached.filter(is_suppressed=True)
    held = rows.values_list("channel", "key", "is_suppressed")
    _write(sorted({(c, k) for c, k, said in held if said is not ((c, k) in met)}))


@retried
def _write_different(names: list[Name]) -> None:
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        met = asking.met(batch)
        held = _rows(batch).values_list("channel", "key", "is_suppressed")
        _write(
            sorted(
                {(c, k) for c, k, is_marked in held if is_marked is not ((c, k) in met)}
            )
        )


def _write(names: list[Name]) -> None:
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        rows = _rows(batch).order_by("pk").select_for_update(of=("self",))
        held = list(rows.values_list("pk", "channel", "key", "is_suppressed"))
        # Asked once the rows are locked: the last one to write knows the newest.
        met = asking.met(batch)
        for is_suppressed in (True, False):
            wrong = [
                pk
                for pk, channel, key, is_marked in held
                if ((channel, key) in met) is is_suppressed is not is_marked
            ]
            if wrong:
                found = Address.objects.filter(pk__in=wrong)
                found.update(is_suppressed=is_suppressed)


def _rows(names: list[Name]) -> QuerySet[Address]:
    keys: dict[str, list[str]] = {}
    for channel, key in names:
        keys.setdefault(channel, []).append(key)
    about = Q(pk__in=[])
    for channel, of_channel in keys.items():
        about |= Q(channel=channel, key__in=of_channel)
    return Address.objects.filter(about)


def copy_all() -> int:
    """Let every address say what the list says; returns how many said otherwise.

    For lists that came from elsewhere: a keyed hash does not tell whose it is, so each
    address is asked about. In batches, each a transaction.
    """
    wrong = 0
    for names in different():
        with transaction.atomic():
            copy(names)
        wrong += len(names)
    return wrong


def different() -> Iterator[list[Name]]:
    """Batches of the addresses whose copy says something else than the list."""
    last = 0
    fields = ("pk", "channel", "key", "is_suppressed")
    while True:
        rows = list(
            Address.objects.filter(pk__gt=last)
            .order_by("pk")
            .values_list(*fields)[:BATCH]
        )
        if not rows:
            return
        last = rows[-1][0]
        met = asking.met([(channel, key) for _pk, channel, key, _is in rows])
        wrong = [
            (c, k) for _pk, c, k, is_marked in rows if ((c, k) in met) != is_marked
        ]
        if wrong:
            yield wrong
