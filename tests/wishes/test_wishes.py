"""What a wish is: one row for each time that it was expressed, and who ends it."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from audiences import consent, privacy, wishes
from audiences.consent import Origin
from audiences.models import ContactWish, LeavingReason, Profile
from audiences.records.profiles import describe
from audiences.wishes import Wished
from delivery import restrictions
from tests.factories import BY_COMMAND, ProfileFactory

pytestmark = pytest.mark.django_db
ANN = Origin(source="landing_page", ip="192.0.2.1", user_agent="A phone")


@pytest.fixture
def person() -> Profile:
    return ProfileFactory(email="ann@home.example", external_id="A1")


def in_days(days: float) -> object:
    return timezone.now() + timedelta(days=days)


def test_the_same_limit_again_changes_nothing_and_another_takes_its_place(
    person: Profile,
) -> None:
    first = wishes.express(person, "email", ANN, per_month=1)
    again = wishes.express(person, "email", BY_COMMAND, per_month=1)
    assert (again.wish.pk, again.changed) == (first.wish.pk, False)
    other = wishes.express(person, "email", BY_COMMAND, per_month=2)
    assert other.replaced == first.wish
    kept = [(w.per_month, w.ended_source) for w in wishes.wishes_of(person.pk)]
    assert kept == [(2, ""), (1, "command")]


def test_a_limit_and_a_pause_of_each_channel_stand_side_by_side(
    person: Profile,
) -> None:
    wishes.express(person, "email", ANN, per_month=1)
    wishes.express(person, "any", ANN, per_month=3)
    wishes.express(person, "email", ANN, paused_until=in_days(9))  # type: ignore[arg-type]
    assert len(wishes.of_person(person.pk)) == 3


@pytest.mark.parametrize(
    "facts",
    [
        {"channel": "email"},
        {"channel": "email", "per_month": 0},
        {"channel": "pigeon", "per_month": 1},
        {"channel": "email", "per_month": 1, "paused_until": "2030-01-01T00:00Z"},
    ],
)
def test_the_database_keeps_no_wish_that_means_nothing(
    person: Profile, facts: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        ContactWish.objects.create(profile=person, source="operator", **facts)


def _undo(
    person: Profile, done: Wished, before: ContactWish, *, days: float = 1
) -> int:
    since = timezone.now() - timedelta(days=days)
    return wishes.take_back(person, [done.wish.pk], [before.pk], ANN, after=since)


def test_taking_back_lets_hold_again_what_held_before(person: Profile) -> None:
    first = wishes.express(person, "email", ANN, per_month=1).wish
    second = wishes.express(person, "email", ANN, per_month=2)
    assert _undo(person, second, first, days=-1) == 0  # it is too old
    assert _undo(person, second, first) == 2
    (now,) = wishes.of_person(person.pk)
    assert (now.per_month, now.pk > second.wish.pk) == (1, True)
    # Once more changes nothing, and neither does somebody else's number.
    assert _undo(person, second, first) == 0
    other = ProfileFactory(email="other@home.example")
    assert _undo(other, Wished(now), first) == 0


def test_neither_an_opt_in_nor_an_import_ends_a_wish(
    person: Profile, tmp_path: Path
) -> None:
    wishes.express(person, "email", ANN, per_month=1)
    wishes.express(person, "any", ANN, paused_until=in_days(9))  # type: ignore[arg-type]
    before = list(ContactWish.objects.values("pk", "ended_at"))
    consent.opt_out(person, "email", BY_COMMAND)
    consent.opt_in(person, "email", Origin(source="operator", note="asked"))
    file = tmp_path / "people.csv"
    file.write_text(
        "external_id,email,no_longer_contact_email\nA1,ann@home.example,0\n",
        encoding="utf-8",
    )
    call_command("import_profiles", str(file), "--allow-opt-in", "--note", "they asked")
    assert list(ContactWish.objects.values("pk", "ended_at")) == before


def test_a_person_is_shown_with_their_wishes_also_those_of_before(
    person: Profile,
) -> None:
    wish = wishes.express(person, "email", ANN, per_month=1).wish
    wishes.end(person, [wish.pk], BY_COMMAND)
    wishes.express(person, "any", ANN, paused_until=in_days(9))  # type: ignore[arg-type]
    newest, oldest = describe(person)["wishes"]
    assert (newest["channel"], newest["ended"]) == ("any", None)
    assert (oldest["per_month"], oldest["ended_by"]) == (1, "command")
    out = StringIO()
    call_command("show_profile", "A1", stdout=out)
    assert "Wishes" in out.getvalue()


def test_an_erasure_leaves_neither_wish_nor_reason(person: Profile) -> None:
    wishes.express(person, "email", ANN, per_month=1)
    event = consent.opt_out(person, "email", ANN).event_id
    assert wishes.give_reason(person.pk, [event or 0], "other", "Ann says so")
    privacy.erase(person)
    assert not ContactWish.objects.exists()
    assert not LeavingReason.objects.exists()


def test_a_restore_brings_no_wish_to_an_end(person: Profile, tmp_path: Path) -> None:
    began = timezone.now() - timedelta(seconds=1)
    wishes.express(person, "email", ANN, per_month=1)
    wishes.express(person, "any", ANN, paused_until=in_days(9))  # type: ignore[arg-type]
    file = tmp_path / "restrictions.jsonl"
    assert restrictions.write(file, began)["wish"] == 2
    held = [(w.channel, w.per_month, w.since) for w in wishes.of_person(person.pk)]
    ContactWish.objects.all().delete()
    assert restrictions.replay(file).changed["wish"] == 2
    again = [(w.channel, w.per_month, w.since) for w in wishes.of_person(person.pk)]
    assert again == held
    assert "wish" not in restrictions.replay(file).changed
    # Who has ended it since is not held to it.
    wishes.end(person, [w.pk for w in wishes.of_person(person.pk)], ANN)
    assert "wish" not in restrictions.replay(file).changed
    assert wishes.of_person(person.pk) == []
