"""Answers that are given again: the same Idempotency-Key never acts twice.

The header field of the draft "The Idempotency-Key HTTP Header Field" (IETF httpapi).
The answer is written in the transaction of the act, so that there is either both or
neither. Whoever sends the same at the same moment waits for the first one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.utils import timezone

from audiences import sql
from audiences.models import ApiAnswer, ApiKey
from audiences.refusals import Refused

KEPT = timedelta(days=1)
LONGEST = 255


class AnotherRequest(Refused):
    """The same Idempotency-Key came with another request before."""


@dataclass(frozen=True)
class Kept:
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: str


def fingerprint(method: str, path: str, query: str, body: bytes) -> str:
    """What makes two requests the same."""
    digest = sha256()
    for part in (method.encode(), path.encode(), query.encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def again(key: ApiKey, name: str, print_: str) -> Kept | None:
    """The answer that was given to this request before, if there is one.

    From here until the transaction ends nobody else acts by this Idempotency-Key; the
    caller is in it. Raises AnotherRequest.
    """
    sql.hold(f"api-answer:{key.pk}:{name}")
    rows = ApiAnswer.objects.filter(key=key, name=name)
    row = rows.filter(at__gt=timezone.now() - KEPT).first()
    if row is None:
        rows.delete()
        return None
    if row.fingerprint != print_:
        raise AnotherRequest(
            "This Idempotency-Key was used with another request: take a new one."
        )
    return Kept(row.status, row.headers, row.body)


def keep(key: ApiKey, name: str, print_: str, answer: Kept) -> None:
    """Keep what is being answered, in the transaction of the act."""
    ApiAnswer.objects.create(
        key=key,
        name=name,
        fingerprint=print_,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
    )


def clean_up(now: datetime | None = None) -> int:
    """Remove answers that are not given again any more; returns how many."""
    before = (now or timezone.now()) - KEPT
    return ApiAnswer.objects.filter(at__lt=before).delete()[0]
