"""Proof of work (Altcha) for visitors without a personal link (L7).

The page carries a signed challenge; the visitor's browser finds the number that solves
it; the form brings back both. There is nothing to type, to see or to hear. Each
solution is accepted once: a row with a unique key says which were used.

The challenge is Altcha's, version 2 (PBKDF2 with SHA-256): it can be solved within a
known number of rounds, and checking it costs two HMACs.
"""

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta

import altcha
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from audiences.links import signing
from audiences.links.signing import Purpose
from audiences.models import UsedProof

ALGORITHM = "PBKDF2/SHA-256"
# Iterations of one round; PROOF_OF_WORK_ROUNDS says how many rounds.
ITERATIONS = 5_000
LONGEST_SOLUTION = 2_000


class NotProven(Exception):
    """Forged, wrong, too old or used before: nothing more is said."""


class UsedBefore(NotProven):
    """It was accepted before: the same form again, or an attempt to get by with one."""


def challenge(now: datetime | None = None) -> str:
    """A new challenge as JSON, for the page (templates escape it in an attribute).

    It needs no row: its signature says that it is ours, and until when it counts
    (PROOF_OF_WORK_MINUTES). A page that was open for longer gets a new one when it is
    shown again with its errors.
    """
    rounds = settings.PROOF_OF_WORK_ROUNDS
    at = (now or timezone.now()) + timedelta(minutes=settings.PROOF_OF_WORK_MINUTES)
    parameters, key = _secrets(signing.key_of_now())
    made = altcha.create_challenge(
        ALGORITHM,
        ITERATIONS,
        counter=rounds // 2 + secrets.randbelow(rounds - rounds // 2),
        expires_at=at,
        hmac_secret=parameters,
        hmac_key_secret=key,
    )
    return json.dumps(made.to_dict(), separators=(",", ":"))


def accept(solution: str) -> None:
    """Accept the solution of a form, once; raises NotProven.

    Call it in the transaction that does what the visitor asks, after the form's other
    checks: a form that is shown again because of an error has used up nothing. A proof
    opens nothing by itself, so a page that was open while the key was replaced counts.
    """
    if not solution or len(solution) > LONGEST_SOLUTION:
        raise NotProven
    if not any(_is_solved(solution, _secrets(key)) for key in signing.keys_in_use()):
        raise NotProven
    # What is signed names the proof: the rest of the solution can be written in ways.
    parameters = json.loads(base64.b64decode(solution))["challenge"]["parameters"]
    expires_at = datetime.fromtimestamp(parameters["expiresAt"], UTC)
    try:
        with transaction.atomic():
            UsedProof.objects.create(nonce=parameters["nonce"], expires_at=expires_at)
    except IntegrityError as error:
        raise UsedBefore from error


def _is_solved(solution: str, ours: tuple[bytes, bytes]) -> bool:
    parameters, key = ours
    return altcha.verify_solution(solution, parameters, hmac_key_secret=key).verified


def _secrets(key: str) -> tuple[bytes, bytes]:
    """What both sides sign: the parameters, and the key that only work finds."""
    return (
        signing.keyed_hash(Purpose.PROOF_OF_WORK, "parameters", key),
        signing.keyed_hash(Purpose.PROOF_OF_WORK, "key", key),
    )


def clean_up(now: datetime | None = None) -> int:
    """Forget used proofs that are long too old to be accepted; returns how many."""
    # A day later, so that a clock that goes wrong lets nobody use one twice.
    before = (now or timezone.now()) - timedelta(days=1)
    return UsedProof.objects.filter(expires_at__lt=before).delete()[0]
