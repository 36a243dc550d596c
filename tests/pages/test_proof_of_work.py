"""Proof of work: ours, solved, in time, and once; in a browser under a strict policy."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
import pytest
from django.db import connection, transaction
from django.utils import timezone

from audiences.models import UsedProof
from audiences.signups import proof_of_work
from audiences.signups.proof_of_work import NotProven
from tests.audiences.test_consent_races import at_once

pytestmark = pytest.mark.django_db
Payload = dict[str, Any]


@pytest.fixture(autouse=True)
def easy(settings: Any) -> None:
    settings.PROOF_OF_WORK_ROUNDS = 2


def solved(challenge: str) -> Payload:
    """What the browser sends, before it is written as base64."""
    made = altcha.Challenge.from_dict(json.loads(challenge))
    solution = altcha.solve_challenge(made)
    assert solution is not None
    return {"challenge": json.loads(challenge), "solution": solution.to_dict()}


def written(payload: Any) -> str:
    return base64.b64encode(json.dumps(payload).encode()).decode()


def assert_refused(solution: str) -> None:
    with pytest.raises(NotProven):
        proof_of_work.accept(solution)


def test_a_solved_challenge_is_accepted_once() -> None:
    solution = written(solved(proof_of_work.challenge()))
    proof_of_work.accept(solution)
    assert_refused(solution)
    assert UsedProof.objects.count() == 1


def other_spaces(payload: Payload) -> str:
    return base64.b64encode(json.dumps(payload, indent=3).encode()).decode()


def other_order(payload: Payload) -> str:
    return written(dict(reversed(payload.items())))


def capitals(payload: Payload) -> str:
    payload["solution"]["derivedKey"] = payload["solution"]["derivedKey"].upper()
    return written(payload)


def other_counter(payload: Payload) -> str:
    payload["solution"]["counter"] += 1
    return written(payload)


def more_keys(payload: Payload) -> str:
    payload["challenge"]["extra"] = payload["extra"] = "x"
    return written(payload)


def noise(payload: Payload) -> str:
    return "\n!" + written(payload)


@pytest.mark.parametrize(
    "rewrite",
    [other_spaces, other_order, capitals, other_counter, more_keys, noise],
)
def test_a_used_proof_is_refused_however_it_is_written(
    rewrite: Callable[[Payload], str],
) -> None:
    payload = solved(proof_of_work.challenge())
    proof_of_work.accept(written(payload))
    assert_refused(rewrite(payload))


def test_a_proof_that_was_taken_back_with_its_request_can_be_used_again() -> None:
    solution = written(solved(proof_of_work.challenge()))
    with transaction.atomic():
        proof_of_work.accept(solution)
        transaction.set_rollback(True)
    proof_of_work.accept(solution)


def foreign_key(payload: Payload) -> Payload:
    made = altcha.create_challenge(
        proof_of_work.ALGORITHM,
        1,
        counter=1,
        expires_at=timezone.now() + timedelta(hours=1),
        hmac_secret="theirs",
        hmac_key_secret="theirs",
    )
    return solved(json.dumps(made.to_dict()))


def longer_life(payload: Payload) -> Payload:
    payload["challenge"]["parameters"]["expiresAt"] += 3600
    return payload


def no_expiry(payload: Payload) -> Payload:
    del payload["challenge"]["parameters"]["expiresAt"]
    return payload


def other_nonce(payload: Payload) -> Payload:
    payload["challenge"]["parameters"]["nonce"] = "00" * 16
    return payload


def no_signature(payload: Payload) -> Payload:
    del payload["challenge"]["signature"]
    return payload


def no_key_signature(payload: Payload) -> Payload:
    del payload["challenge"]["parameters"]["keySignature"]
    return payload


def no_work(payload: Payload) -> Payload:
    payload["solution"]["derivedKey"] = "00" * 32
    return payload


def only_the_prefix(payload: Payload) -> Payload:
    prefix = payload["challenge"]["parameters"]["keyPrefix"]
    payload["solution"]["derivedKey"] = prefix.ljust(64, "0")
    return payload


def another_ones_work(payload: Payload) -> Payload:
    payload["solution"] = solved(proof_of_work.challenge())["solution"]
    return payload


@pytest.mark.parametrize(
    "forge",
    [
        foreign_key,
        longer_life,
        no_expiry,
        other_nonce,
        no_signature,
        no_key_signature,
        no_work,
        only_the_prefix,
        another_ones_work,
    ],
)
def test_a_forged_proof_is_refused(forge: Callable[[Payload], Payload]) -> None:
    assert_refused(written(forge(solved(proof_of_work.challenge()))))
    assert not UsedProof.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "é",
        "\ud800",
        written([]),
        written(None),
        written({"challenge": [], "solution": 1}),
        written({"challenge": {"parameters": "a"}, "solution": {}}),
        written({"challenge": {"parameters": {}}, "solution": {}}),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 1_400).decode(),
        "A" * 100_000,
    ],
)
def test_nonsense_is_refused(text: str) -> None:
    assert_refused(text)


def test_a_proof_counts_for_its_minutes_only(settings: Any) -> None:
    settings.PROOF_OF_WORK_MINUTES = 60
    old = timezone.now() - timedelta(minutes=60, seconds=2)
    assert_refused(written(solved(proof_of_work.challenge(old))))
    young = timezone.now() - timedelta(minutes=59)
    proof_of_work.accept(written(solved(proof_of_work.challenge(young))))


def test_a_challenge_of_before_the_key_was_changed_still_counts(settings: Any) -> None:
    solution = written(solved(proof_of_work.challenge()))
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one"
    proof_of_work.accept(solution)
    settings.SECRET_KEY_FALLBACKS = []
    assert_refused(solution)


@pytest.mark.parametrize("rounds", [1, 2, 40])
def test_the_difficulty_is_what_the_setting_says(settings: Any, rounds: int) -> None:
    settings.PROOF_OF_WORK_ROUNDS = rounds
    for _number in range(3):
        counter = solved(proof_of_work.challenge())["solution"]["counter"]
        assert rounds // 2 <= counter < rounds


def test_used_proofs_are_forgotten_a_day_after_they_expired() -> None:
    proof_of_work.accept(written(solved(proof_of_work.challenge())))
    expires_at = UsedProof.objects.get().expires_at
    assert expires_at <= datetime.now(UTC) + timedelta(minutes=60)
    assert proof_of_work.clean_up(expires_at + timedelta(hours=23)) == 0
    assert proof_of_work.clean_up(expires_at + timedelta(hours=25)) == 1


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite in memory has one connection"
)
@pytest.mark.django_db(transaction=True)
def test_a_proof_sent_eight_times_at_once_is_accepted_once() -> None:
    solution = written(solved(proof_of_work.challenge()))

    def use() -> bool:
        try:
            proof_of_work.accept(solution)
        except NotProven:
            return False
        return True

    assert sorted(at_once(*[use] * 8)) == [False] * 7 + [True]
