"""Outcomes as files: every way out of a target goes through the last check (D4, F5).

A file is handed to somebody who sends. Whoever must not get the delivery at the moment
when a row is written is not in it, unless the rows are wanted as they were analysed.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from audiences import addresses
from audiences.addresses.outgoing import as_sent
from audiences.models import Address, Profile
from delivery.models import Delivery, Outcome, TypologyRule
from delivery.sending.last_check import LABELS, LastCheck

COLUMNS = ["profile", "external_id", "address", "code", "label"]
PAGE = 2000
# Seconds after which the check is made anew: subscriptions expire, rules change.
CHECK_FOR = 60


class Export:
    """The rows of some outcomes, in the order of the profiles.

    Of those to deliver it leaves out whom the last check excludes at that moment, and
    counts them by cause in `left_out`. `keeps_all` lists them with that cause instead,
    among the excluded. With `as_analysed` the rows are those that were stored. Memory
    does not grow with their number.
    """

    def __init__(
        self,
        delivery: Delivery,
        rows: QuerySet[Outcome],
        *,
        as_analysed: bool = False,
        keeps_all: bool = False,
        is_part: bool = False,
    ) -> None:
        self.delivery = delivery
        self.as_analysed, self.keeps_all = as_analysed, keeps_all
        self.left_out: Counter[str] = Counter()
        self._rows = rows.order_by("profile_id")
        # Of a few people who lie far apart only these are checked.
        self._among = rows.order_by().values("profile_id") if is_part else None

    def __iter__(self) -> Iterator[list[Any]]:
        labels = LABELS | dict(TypologyRule.objects.values_list("code", "label"))
        check, made = None, 0.0
        for page in self._pages():
            if not self.as_analysed and (
                check is None or time.monotonic() - made > CHECK_FOR
            ):
                check, made = LastCheck(self.delivery, self._among), time.monotonic()
            found = check.excluded(page[0][0], page[-1][0]) if check else {}
            for profile_id, external_id, address, key, code in page:
                now = code or found.get(profile_id, "")
                if now != (code or ""):
                    self.left_out[now] += 1
                    if not self.keeps_all:
                        continue
                where = self._address(address, key)
                yield [profile_id, external_id or "", where, now, labels.get(now, "")]

    def _pages(self) -> Iterator[list[tuple[Any, ...]]]:
        profile = Profile.objects.filter(pk=OuterRef("profile_id"))
        held = Address.objects.filter(
            profile=OuterRef("profile_id"),
            channel=self.delivery.channel,
            value=OuterRef("address"),
            is_valid=True,
        )
        rows = self._rows.annotate(
            external_id=Subquery(profile.values("external_id")[:1]),
            key=Subquery(held.values("key")[:1]),
            code=F("rule__code"),
        ).values_list("profile_id", "external_id", "address", "key", "code")
        after = -1
        while page := list(rows.filter(profile_id__gt=after)[:PAGE]):
            after = page[-1][0]
            yield page

    def _address(self, address: str | None, key: str | None) -> str:
        """The address as others send to it; one that has gone since is read anew."""
        if not address:
            return ""
        channel = self.delivery.channel
        if not key:
            read = addresses.accept(channel, address)
            key = read.key if read.is_valid else ""
        return as_sent(channel, address, key)


def sentence(left_out: Counter[str]) -> str:
    """Who was left out: `3 left out since the analysis: denylist_channel 2, …`."""
    causes = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{code} {count}" for code, count in causes)
    return f"{left_out.total()} left out since the analysis: {listed}"
