"""Subscriptions from a file: every row is an act, garbage is rejected with a reason."""

import csv
import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audiences import privacy, subscriptions
from audiences.imports import engine
from audiences.imports.columns.action_words import action_of, why_none
from audiences.imports.columns.consent_words import says_consent
from audiences.models import (
    ConsentEvent,
    ConsentEvidence,
    OutboxMail,
    Profile,
    Service,
    Subscription,
)
from audiences.records.verification import verify_consent
from audiences.sql import fetch, statements as bulk_sql
from audiences.subscriptions import writing
from tests.commands.conftest import Outcome, run  # noqa: F401  (a fixture)
from tests.factories import BY_COMMAND, ProfileFactory, ServiceFactory

pytestmark = pytest.mark.django_db
Run = Callable[..., Outcome]
Status = Subscription.Status


@pytest.fixture
def news() -> Service:
    return ServiceFactory(slug="news", validity_days=3650)


@pytest.fixture
def people() -> list[Profile]:
    return [
        ProfileFactory(external_id=f"C{number}", email=f"p{number}@shop.example")
        for number in range(4)
    ]


def written(folder: Path, *lines: str) -> Path:
    path = folder / "acts.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def imported(run: Run, path: Path, *options: str) -> dict[str, int]:  # noqa: F811
    done = run("import_subscriptions", path, "--json", *options)
    assert done.code == 0, done.err
    found: dict[str, int] = json.loads(done.out)
    return found


def rejects(path: Path) -> list[tuple[str, str, str]]:
    with Path(f"{path}.rejects.csv").open(encoding="utf-8") as stream:
        return [(r["row"], r["field"], r["reason"]) for r in csv.DictReader(stream)]


def statuses(service: Service) -> dict[str, str]:
    rows = Subscription.objects.filter(service=service)
    return dict(rows.values_list("profile__external_id", "status"))


def test_each_way_to_name_a_person_and_both_acts(
    run: Run,  # noqa: F811
    tmp_path: Path,
    news: Service,
    people: list[Profile],
) -> None:
    path = written(
        tmp_path,
        "Profiel;E-mail;Klantnummer;ID;dienst;actie;datum",
        "C0;;;;news;aanmelden;2026-01-02",
        ";P1@Shop.Example;;;news;subscribe;2026-01-02T10:00:00+01:00",
        ";;C2;;news;1;2026-01-02 10:00",
        f";;;{people[3].pk};news;;",
        ";;C0;;news;afmelden;2026-02-01",
    )
    assert imported(run, path) == {
        "subscribed": 4,
        "unsubscribed": 1,
        "unchanged": 0,
        "rejected": 0,
    }
    assert statuses(news) == {
        "C0": Status.UNSUBSCRIBED,
        "C1": Status.ACTIVE,
        "C2": Status.ACTIVE,
        "C3": Status.ACTIVE,
    }
    held = Subscription.objects.get(profile=people[1])
    assert held.changed_at == datetime(2026, 1, 2, 9, tzinfo=UTC)
    assert held.expires_at == held.changed_at + timedelta(days=3650)
    assert {e.source for e in ConsentEvent.objects.all()} == {"import"}
    assert not OutboxMail.objects.exists()
    assert verify_consent().is_consistent
    again = imported(run, path)
    assert again["subscribed"] == again["unsubscribed"] == 0, "it can be run again"


GARBAGE = [
    ("C0,news,subscribe,2026-01-02", "", ""),
    ("nobody,news,subscribe,", "profile", "no profile"),
    (",news,subscribe,", "profile", "nothing says who"),
    ("C1,nonsense,subscribe,", "service", "no service 'nonsense'"),
    ("C1,,subscribe,", "service", "empty"),
    ("C1,news,perhaps,", "action", "neither subscribe nor unsubscribe"),
    # Of several faults the one of the first column is told.
    ("C1,news,perhaps,someday", "action", "neither subscribe nor unsubscribe"),
    ("C1,news,subscribe,31-31-2026", "date", "no date"),
    ("C1,news,subscribe,2026-02-30", "date", "no date"),
    ("C1,news,subscribe,2999-01-01", "date", "future"),
    ("C1,news,subscribe,0001-01-01T00:00:00+14:00", "date", "out of range"),
    ("C1,news,subscribe,,more", "", "5 cells"),
    ('C1,"news,subscribe,', "", "quote"),
    ("C\x001,news,subscribe,", "profile", "NUL"),
    ("shared@shop.example,news,subscribe,", "profile", "several profiles"),
    ("C1,shut,subscribe,", "service", "closed"),
    ("C3,news,subscribe,", "action", "--revive"),
    ("C0,news,unsubscribe,2020-01-01", "date", "before the last change"),
    ("C1,news,unsubscribe,", "", ""),
    ("C2,news,subscribe,2026-01-02", "", ""),
]


def test_garbage_is_rejected_with_its_reason_and_the_rest_is_done(
    run: Run,  # noqa: F811
    tmp_path: Path,
    news: Service,
    people: list[Profile],
) -> None:
    ProfileFactory(email="shared@shop.example")
    ProfileFactory(email="shared@shop.example")
    ServiceFactory(slug="shut", is_closed=True)
    subscriptions.subscribe(people[3], news, BY_COMMAND)
    subscriptions.unsubscribe(people[3], news, BY_COMMAND)
    rows = [row for row, _field, _reason in GARBAGE]
    path = written(tmp_path, "profile,service,action,date", *rows)
    assert imported(run, path) == {
        "subscribed": 2,
        "unsubscribed": 0,
        "unchanged": 1,
        "rejected": len(GARBAGE) - 3,
    }
    expected = [
        (number, field, reason)
        for number, (_row, field, reason) in enumerate(GARBAGE, 2)
        if reason
    ]
    found = {int(line): (field, reason) for line, field, reason in rejects(path)}
    for line, field, reason in expected:
        assert found[line][0] == field, found[line]
        assert reason in found[line][1]
    assert len(found) == len(expected)
    assert statuses(news) == {"C0": "active", "C2": "active", "C3": "unsubscribed"}
    assert verify_consent().is_consistent
    strict = run("import_subscriptions", path, "--strict")
    assert strict.code == 1


def test_reviving_needs_a_note_and_keeps_it(
    run: Run,  # noqa: F811
    tmp_path: Path,
    news: Service,
    people: list[Profile],
) -> None:
    subscriptions.subscribe(people[0], news, BY_COMMAND)
    subscriptions.unsubscribe(people[0], news, BY_COMMAND)
    path = written(tmp_path, "external_id", "C0", "C1")
    assert run("import_subscriptions", path, "--service=news", "--revive").code == 2
    assert imported(run, path, "--service=news")["rejected"] == 1
    options = ("--service=news", "--revive", "--note=paper forms")
    assert imported(run, path, *options)["subscribed"] == 1
    assert ConsentEvidence.objects.get(note="paper forms").event.kind == "subscribe"
    assert statuses(news) == {"C0": "active", "C1": "active"}
    assert verify_consent().is_consistent


@pytest.mark.parametrize("lapses", [False, True])
def test_a_request_that_nobody_confirmed_does_not_revive(
    run: Run,  # noqa: F811
    tmp_path: Path,
    people: list[Profile],
    lapses: bool,
) -> None:
    service = ServiceFactory(slug="news", double_opt_in=True)
    subscriptions.subscribe(people[0], service, BY_COMMAND)
    subscriptions.unsubscribe(people[0], service, BY_COMMAND)
    subscriptions.request(people[0], service, writing.Origin(source="api"))
    if lapses:
        privacy.clean_up(timezone.now() + timedelta(days=99))
    path = written(tmp_path, "external_id,service", "C0,news")
    assert imported(run, path)["rejected"] == 1
    assert "has unsubscribed;" in rejects(path)[0][2]
    assert imported(run, path, "--revive", "--note=letter")["subscribed"] == 1
    assert verify_consent().is_consistent


def test_a_dry_run_counts_and_changes_nothing(
    run: Run,  # noqa: F811
    tmp_path: Path,
    news: Service,
    people: list[Profile],
) -> None:
    path = written(tmp_path, "external_id,service", "C0,news", "C1,news", "C9,news")
    found = imported(run, path, "--dry-run")
    assert (found["subscribed"], found["rejected"], found["dry_run"]) == (2, 1, True)
    assert not Subscription.objects.exists()
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    ("header", "options", "said"),
    [
        ("service,action", [], "No column says who"),
        ("profile,action", [], "Give --service"),
        ("profile,service", ["--service=news"], "leave out --service"),
        ("profile,service,colour", [], "Unknown column: colour"),
        ("email,e_mail,service", [], "mean the same"),
        ("profile", ["--service=nothing"], "no service 'nothing'"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_as_a_whole(
    run: Run,  # noqa: F811
    tmp_path: Path,
    news: Service,
    header: str,
    options: list[str],
    said: str,
) -> None:
    path = written(tmp_path, header, "a" + ",b" * header.count(","))
    done = run("import_subscriptions", path, *options)
    assert done.code == 1
    assert said in done.err


def test_statements_do_not_grow_with_the_rows(
    run: Run,  # noqa: F811
    tmp_path: Path,
    news: Service,
) -> None:
    def statements(count: int) -> int:
        Profile.objects.bulk_create(
            Profile(external_id=f"S{count}-{n}") for n in range(count)
        )
        rows = [f"S{count}-{n}" for n in range(count)]
        path = written(tmp_path, "external_id", *rows)
        with CaptureQueriesContext(connection) as queries:
            assert imported(run, path, "--service=news", "--note=n")["subscribed"]
        return len(queries)

    assert statements(3) == statements(400)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="plans of PostgreSQL")
def test_a_chunk_reads_its_own_people_and_no_others(
    run: Run,  # noqa: F811
    tmp_path: Path,
    news: Service,
) -> None:
    """Without statistics too, or the time grows with the square of the rows."""
    Profile.objects.bulk_create(Profile(external_id=f"S{n}") for n in range(2000))
    people = Profile.objects.all()
    subscriptions.subscribe_all(people, news, BY_COMMAND)
    path = written(tmp_path, "external_id", *(f"S{n}" for n in range(1000, 1200)))
    with CaptureQueriesContext(connection) as queries:
        imported(run, path, "--service=news")
    read = [
        query["sql"]
        for query in queries
        if re.match(r"SELECT .* FROM .audiences_(profile|subscription). ", query["sql"])
    ]
    assert len(read) == 3
    bulk_sql.expect_look_ups()
    for sql in read:
        plan = "\n".join(row[0] for row in fetch(f"EXPLAIN ANALYZE {sql}"))
        assert "Seq Scan on audiences_" not in plan
        assert "Rows Removed by Filter" not in plan


def test_chunks_are_as_if_worked_off_one_by_one(
    run: Run,  # noqa: F811
    tmp_path: Path,
    people: list[Profile],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Random acts, in chunks of three, against a plain loop over the rows."""
    monkeypatch.setattr(engine, "CHUNK_SIZE", 3)
    services = [ServiceFactory(slug=slug) for slug in ("a", "b")]
    chance = random.Random(7)
    rows, expected = [], {}
    day = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(120):
        who = chance.choice(people)
        slug = chance.choice(["a", "b"])
        action = chance.choice(["subscribe", "unsubscribe"])
        rows.append(
            f"{who.external_id},{slug},{action},{day + timedelta(hours=number)}"
        )
        before = expected.get((who.external_id, slug))
        if action == "subscribe":
            expected[who.external_id, slug] = "active"
        elif before == "active":
            expected[who.external_id, slug] = "unsubscribed"
    path = written(tmp_path, "external_id,service,action,date", *rows)
    imported(run, path, "--revive", "--note=n")
    found = {
        (external_id, service.slug): status
        for service in services
        for external_id, status in statuses(service).items()
    }
    assert found == expected
    assert verify_consent().is_consistent


def test_an_expired_subscription_is_renewed_and_a_pending_one_activated(
    run: Run,  # noqa: F811
    tmp_path: Path,
    people: list[Profile],
) -> None:
    service = ServiceFactory(slug="news", validity_days=1, double_opt_in=True)
    old = writing.Origin(
        source="import", at=timezone.now() - timedelta(days=3), note="x"
    )
    subscriptions.subscribe(people[0], service, old)
    subscriptions.request(people[1], service, writing.Origin(source="api"))
    path = written(tmp_path, "external_id,service", "C0,news", "C1,news")
    assert imported(run, path)["subscribed"] == 2
    assert set(statuses(service).values()) == {"active"}
    assert verify_consent().is_consistent


def test_a_person_whom_a_file_subscribes_does_not_go_with_their_request(
    run: Run,  # noqa: F811
    news: Service,
    people: list[Profile],
    tmp_path: Path,
) -> None:
    """Who was made by a request that nobody confirmed is erased with it."""
    now = timezone.now()
    held = Subscription.objects.create(
        profile=people[0],
        service=news,
        status=Status.PENDING,
        changed_at=now,
        expires_at=now + timedelta(days=1),
        made_profile=True,
    )
    imported(run, written(tmp_path, "external_id,service", "C0,news"))
    held.refresh_from_db()
    assert (held.status, held.made_profile) == (Status.ACTIVE, False)


WORDS = {
    "subscribe": "Subscribe SUBSCRIBED opted-in AANGEMELD ja 1 Angemeldet abonniert Ja"
    " Abonné abonnee inscrit(e) oui Suscrito alta sí Iscritto iscritta vero WAHR in",
    "unsubscribe": "Unsubscribed opted_out Opt-Out complained blocklisted 0 FALSE out"
    " Afmelden uitgeschreven opgezegd Abgemeldet abbestellt nein Désabonné desabonne"
    " désinscrite non Baja dado-de-baja Desuscrito Disiscritto annullato falso",
    "": "perhaps x - ? cleaned Bounced hard-bounce pending unconfirmed onbevestigd"
    " bereinigt ausstehend nettoyé en-attente rebotado pendiente pulito in-attesa"
    " inactive null toto",
}


@pytest.mark.parametrize("action", WORDS)
def test_actions_are_read_in_the_languages_of_their_programs(action: str) -> None:
    for word in WORDS[action].split():
        assert action_of(word) == action, word
        assert action_of(word.replace("-", " ").upper()) == action, word


def test_what_is_no_wish_neither_subscribes_nor_unsubscribes() -> None:
    reasons = ["about the address", "before they have confirmed", "neither subscribe"]
    for word, reason in zip(
        ["Cleaned", "Nicht bestätigt", "toto"], reasons, strict=True
    ):
        assert reason in why_none(word)


@pytest.mark.parametrize("word", ["Désabonné", "abgemeldet", "suscrito", "Disiscritto"])
def test_such_words_are_noticed_under_any_heading(word: str) -> None:
    assert says_consent(word)
    assert not any(map(says_consent, ["cancelado", "confirmed", "left", "pending"]))


def test_a_file_of_bytes_is_refused_or_rejected_and_never_breaks(
    run: Run,  # noqa: F811
    tmp_path: Path,
    news: Service,
    people: list[Profile],
) -> None:
    chance = random.Random(3)
    path = tmp_path / "acts.csv"
    for _ in range(20):
        noise = bytes(chance.choice(b'C01,;\n\r"\x00\xff\xe9 news') for _ in range(400))
        path.write_bytes(b"profile,service,action,date\nC0,news,,\n" + noise)
        done = run("import_subscriptions", path, "--json")
        assert done.code in (0, 1)
    assert verify_consent().is_consistent
