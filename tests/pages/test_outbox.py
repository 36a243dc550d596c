"""The outbox: every mail at most once, and the truth about each, with a real server."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from celery import current_app
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from audiences import links, outbox, privacy, tasks
from audiences.addresses import Normalised, normalise
from audiences.models import OutboxMail, Profile
from audiences.outbox import Result, queue as rows, sending
from delivery import quarantine
from tests.docs.tables import ROOT
from tests.factories import ProfileFactory

from . import mailboxes
from .mailboxes import Mailboxes

on_postgresql = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite in memory has one connection"
)
ANN = "Ann@Shop.Example"
SENT = "Ann@shop.example"  # the local part as stored, the domain of the key


@pytest.fixture
def server(settings: Any) -> Iterator[Mailboxes]:
    with mailboxes.running() as boxes:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", boxes.port
        yield boxes


def put(address: str = ANN, **facts: Any) -> OutboxMail:
    """A request for a link, by a person who has the address unless told otherwise."""
    if facts.pop("known", True):
        ProfileFactory(email=address)
    return outbox.put(
        OutboxMail.Kind.LINK,
        normalise("email", address),
        language=facts.pop("language", "en"),
        context={"page": "stop", "kind": "denylist"},
        network="192.0.2.0/24",
    )


def later(**time: float) -> None:
    """Let time pass for every row."""
    for row in OutboxMail.objects.all():
        for name in ("created_at", "due_at", "claimed_at"):
            moment = getattr(row, name)
            setattr(row, name, moment and moment - timedelta(**time))
        row.save()


def result_of(mail: OutboxMail) -> str:
    mail.refresh_from_db()
    return mail.result


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "subject", "lang"),
    [
        ("en", "Your personal link", "en"),
        ("nl", "Je persoonlijke link", "nl"),
        ("nl-BE", "Je persoonlijke link", "nl"),
        ("xx", "Your personal link", "en"),
    ],
)
def test_a_mail_says_the_same_as_text_and_as_html_in_the_visitors_language(
    server: Mailboxes, language: str, subject: str, lang: str
) -> None:
    mail = put(language=language)
    assert outbox.send_waiting() == {"sent": 1}
    [(to, message)] = server.messages
    assert to == SENT
    assert message["Subject"].startswith(subject)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["From"] == project.DEFAULT_FROM_EMAIL
    [url] = server.links()
    assert f'href="{url}"' in mailboxes.html(message)
    assert f'<html lang="{lang}">' in mailboxes.html(message)
    token = url.rstrip("/").rpartition("/")[2]
    link = links.read_page_token(token, "stop")
    assert link.is_fresh
    assert link.profile_id == Profile.objects.get().pk
    mail.refresh_from_db()
    assert (mail.result, mail.sent_at is not None) == (Result.SENT, True)


@pytest.mark.django_db
@pytest.mark.parametrize("code", ["en-gb", "nl-be", "fr"])
def test_a_site_in_any_language_finds_words(
    server: Mailboxes, settings: Any, code: str
) -> None:
    settings.LANGUAGE_CODE = code
    put(language="xx")
    assert outbox.send_waiting() == {"sent": 1}


@pytest.mark.django_db
def test_a_second_run_finds_nothing_to_do(server: Mailboxes) -> None:
    put()
    outbox.send_waiting()
    assert outbox.send_waiting() == {}
    assert server.counts == {SENT: 1}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("denylisted", "denylisted"),
        ("quarantine", "quarantined"),
        ("erroneous", "sent"),
    ],
)
def test_nothing_goes_to_an_address_that_an_operator_stopped(
    server: Mailboxes, status: str, result: str
) -> None:
    quarantine.set_status("email", ANN.lower(), status, source="operator")
    mail = put()
    outbox.send_waiting()
    assert result_of(mail) == result
    assert len(server.messages) == (result == "sent")


@pytest.mark.django_db
def test_no_mail_is_taken_while_the_server_is_out_of_reach(settings: Any) -> None:
    port = mailboxes.free_port()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    mail = put()
    assert outbox.send_waiting() == {outbox.UNREACHABLE: 1}
    mail.refresh_from_db()
    assert (mail.claimed_at, mail.attempts, mail.result) == (None, 0, "")
    with mailboxes.running(port) as server:
        assert outbox.send_waiting() == {"sent": 1}
    assert server.counts == {SENT: 1}


@pytest.mark.django_db
def test_a_mail_that_waited_for_a_day_is_not_sent_any_more(server: Mailboxes) -> None:
    mail = put()
    later(hours=25)
    outbox.send_waiting()
    assert (result_of(mail), server.messages) == (Result.OUTDATED, [])


@pytest.mark.django_db
def test_a_refusal_that_passes_is_tried_again_later(server: Mailboxes) -> None:
    mail = put()
    server.answers[SENT] = "451 Greylisted"
    assert outbox.send_waiting() == {sending.POSTPONED: 1}
    assert outbox.send_waiting() == {}, "not at once"
    server.answers.clear()
    later(minutes=3)
    assert outbox.send_waiting() == {"sent": 1}
    mail.refresh_from_db()
    assert mail.attempts == 2
    assert server.counts == {SENT: 1}


@pytest.mark.django_db
def test_a_refusal_that_passes_is_not_tried_for_ever(server: Mailboxes) -> None:
    mail = put()
    server.answers[SENT] = "451 Greylisted"
    for _attempt in range(sending.MOST_ATTEMPTS):
        outbox.send_waiting()
        later(hours=2)
    assert result_of(mail) == Result.REFUSED


@pytest.mark.django_db
def test_a_final_refusal_is_final(server: Mailboxes) -> None:
    mail = put()
    server.answers[SENT] = "550 No such user"
    outbox.send_waiting()
    later(hours=2)
    assert outbox.send_waiting() == {}
    assert result_of(mail) == Result.REFUSED


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["renée@shop.example", "rené e@shop.example"])
def test_a_local_part_that_django_would_rewrite_does_not_leave(
    server: Mailboxes, address: str
) -> None:
    given = Normalised(address, address)
    mail = outbox.put(
        OutboxMail.Kind.LINK, given, language="en", context={}, network=""
    )
    profile = ProfileFactory()
    profile.addresses.create(channel="email", value=address, key=address)
    OutboxMail.objects.update(context={"page": "stop", "kind": "denylist"})
    outbox.send_waiting()
    assert (result_of(mail), server.messages) == (Result.REFUSED, [])


@pytest.mark.django_db
def test_a_mail_that_cannot_be_written_stops_none_behind_it(
    server: Mailboxes, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = put("broken@shop.example"), put()
    OutboxMail.objects.filter(pk=broken.pk).update(context={})
    assert outbox.send_waiting() == {sending.POSTPONED: 1, "sent": 1}
    assert result_of(sound) == Result.SENT
    for _attempt in range(sending.MOST_ATTEMPTS):
        later(hours=2)
        outbox.send_waiting()
    assert result_of(broken) == Result.FAILED
    assert "KeyError" in caplog.text
    assert "shop.example" not in caplog.text, "the log has no addresses"


@pytest.mark.django_db
def test_an_interrupted_hand_over_is_uncertain_and_never_repeated(
    server: Mailboxes,
) -> None:
    def take_and_hang_up(at: SMTP) -> str:
        assert at.transport is not None
        at.transport.abort()
        return mailboxes.TAKEN

    mail = put()
    server.on_message = take_and_hang_up
    assert outbox.send_waiting() == {"uncertain": 1}
    later(hours=2)
    assert outbox.send_waiting() == {}
    assert result_of(mail) == Result.UNCERTAIN
    assert server.counts == {SENT: 1}, "this time the server had it"


@pytest.mark.django_db
def test_a_worker_that_died_after_taking_a_mail_leaves_it_uncertain(
    server: Mailboxes,
) -> None:
    mail = put()
    sending.take_next()  # and nothing more: this is all that a dead worker has done
    assert outbox.send_waiting() == {}
    later(minutes=11)
    assert outbox.send_waiting() == {}
    assert (result_of(mail), server.messages) == (Result.UNCERTAIN, [])


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_the_server_takes_the_mail_sends_it_no_second_time(
    server: Mailboxes,
) -> None:
    workers: list[subprocess.Popen[bytes]] = []

    def kill(at: SMTP) -> str:
        if workers:
            workers.pop().send_signal(signal.SIGKILL)
        return mailboxes.TAKEN

    mail = put()
    server.on_message = kill
    database = connection.settings_dict
    host = f"{database['HOST']}:{database['PORT']}" if database["HOST"] else ""
    user = f"{database['USER']}:{database['PASSWORD']}".strip(":")
    workers.append(
        subprocess.Popen(
            [sys.executable, "manage.py", "send_outbox"],
            cwd=ROOT,
            env=os.environ
            | {
                "DATABASE_URL": f"postgres://{user}@{host}/{database['NAME']}",
                "CELERY_BROKER_URL": "memory://",
                "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
            },
        )
    )
    worker = workers[0]
    assert worker.wait(timeout=120) == -signal.SIGKILL
    assert result_of(mail) == ""
    assert mail.claimed_at is not None
    outbox.send_waiting()
    later(minutes=11)
    outbox.send_waiting()
    assert result_of(mail) == Result.UNCERTAIN
    assert server.counts == {SENT: 1}


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_moment_send_each_mail_once(server: Mailboxes) -> None:
    people = [f"p{number}@shop.example" for number in range(40)]
    for address in people:
        put(address)
    barrier = Barrier(4)

    def work(_number: int) -> int:
        try:
            barrier.wait(timeout=120)
            return outbox.send_waiting()["sent"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(work, range(4)))
    assert sum(sent) == 40
    assert sum(count > 0 for count in sent) > 1, "more than one worker took part"
    assert server.counts == dict.fromkeys(people, 1)


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_mail_that_another_worker_is_taking_is_passed_over(
    server: Mailboxes,
) -> None:
    first, second = put("first@shop.example"), put("second@shop.example")

    def take(_number: int) -> Any:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '30s'")
            return sending.take_next()
        finally:
            connection.close()

    with transaction.atomic():
        OutboxMail.objects.select_for_update().get(pk=first.pk)
        with ThreadPoolExecutor(1) as pool:
            [taken] = pool.map(take, [1])
    assert taken[0].pk == second.pk


@pytest.mark.django_db
def test_erasing_a_person_takes_their_mails_away(server: Mailboxes) -> None:
    put()
    put("other@shop.example")
    privacy.erase(Profile.objects.order_by("pk")[0])
    assert [mail.to for mail in OutboxMail.objects.all()] == ["other@shop.example"]


@pytest.mark.django_db
def test_rows_are_removed_after_their_days(settings: Any) -> None:
    put()
    now = timezone.now()
    assert rows.clean_up(now + timedelta(days=settings.OUTBOX_DAYS - 1)) == 0
    assert rows.clean_up(now + timedelta(days=settings.OUTBOX_DAYS, minutes=1)) == 1


@pytest.mark.django_db
def test_the_command_says_what_it_did_and_of_what_nobody_knows(
    server: Mailboxes, capsys: pytest.CaptureFixture[str]
) -> None:
    put()
    put("nobody@shop.example", known=False)
    lost = put("lost@shop.example")
    OutboxMail.objects.filter(pk=lost.pk).update(
        claimed_at=timezone.now() - timedelta(minutes=11)
    )
    call_command("send_outbox", "--json")
    said = json.loads(capsys.readouterr().out)
    assert said == {"results": {"sent": 1, "nobody": 1}, "uncertain": [lost.pk]}


@pytest.mark.django_db
def test_the_command_fails_when_the_server_is_out_of_reach(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailboxes.free_port()
    put()
    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("send_outbox")


@pytest.mark.django_db
def test_the_tasks_send_what_waits_and_clean_up(server: Mailboxes) -> None:
    put()
    tasks.send_outbox()
    assert server.counts == {SENT: 1}
    later(days=8)
    tasks.clean_up_requests()
    assert not OutboxMail.objects.exists()


def test_beat_runs_both_tasks() -> None:
    beat = current_app.conf.beat_schedule
    names = {entry["task"] for entry in beat.values()}
    assert {tasks.send_outbox.name, tasks.clean_up_requests.name} <= names
