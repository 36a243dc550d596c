"""Prepare, progress, Stop, forecast, compare, preview and duplicate, as pages (D1)."""

import html
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audiences import sql
from delivery import analysis, deliveries, tasks
from delivery.admin.deliveries import preparations
from delivery.analysis import preparation
from delivery.models import Analysis, Delivery, Message, Outcome, PreparationRequest

from .conftest import World, clerk, person
from .elements import marked


def _url(delivery: Delivery, name: str) -> str:
    return reverse(f"admin:delivery_delivery_{name}", args=[delivery.pk])


def _page(client: Client, delivery: Delivery, **query: str) -> str:
    return client.get(_url(delivery, "outcomes"), query).content.decode()


def test_prepare_asks_and_the_page_follows(world: World, admin_client: Client) -> None:
    draft = world.draft
    assert admin_client.post(_url(draft, "prepare")).status_code == 302
    page = _page(admin_client, draft)
    assert "waiting" in marked(page, "state")
    assert "delivery/preparation.js" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    before = admin_client.get(_url(draft, "progress")).json()
    tasks.run_analysis(draft.pk)
    assert (
        admin_client.get(_url(draft, "progress")).json()["moment"] != before["moment"]
    )
    page = _page(admin_client, draft)
    assert "ready" in marked(page, "state")
    assert "Asked for by admin" in page
    assert "preparation.js" not in page


def test_second_operator_reads_who_asked(world: World, admin_client: Client) -> None:
    preparation.ask(world.draft, actor="eva")
    answer = admin_client.post(_url(world.draft, "prepare"), follow=True)
    assert "Eva asked for this already" in answer.content.decode()


def test_page_says_what_to_do_when_no_worker_comes(
    world: World, admin_client: Client
) -> None:
    request = preparation.ask(world.draft, actor="eva")
    assert "no-worker" not in marked(_page(admin_client, world.draft), "hint")
    PreparationRequest.objects.update(asked_at=request.asked_at - preparation.PATIENCE)
    page = _page(admin_client, world.draft)
    assert f"analyse_delivery id:{world.draft.pk}" in page
    assert "no-worker" in marked(page, "hint")


def test_stop_and_resume(world: World, admin_client: Client, settings: Any) -> None:
    settings.ANALYSIS_CHUNK_SIZE = 2
    draft = world.draft
    preparation.ask(draft, actor="eva")

    def stop(progress: analysis.Progress) -> None:
        answer = admin_client.get(_url(draft, "progress")).json()
        assert (answer["done"], answer["expected"]) == (2, 7)
        page = _page(admin_client, draft)
        assert "2 of 7 profiles were judged" in page
        admin_client.post(_url(draft, "stop"))

    assert analysis.analyse(draft, on_progress=stop).state == "stopped"
    assert "resume" in marked(_page(admin_client, draft), "action")
    admin_client.post(_url(draft, "prepare"))
    tasks.run_analysis(draft.pk)
    assert Outcome.objects.filter(delivery=draft).count() == 7
    answer = admin_client.post(_url(draft, "stop"), follow=True)
    assert "nothing to stop" in answer.content.decode()


def test_failed_preparation_says_what_to_correct(
    world: World, admin_client: Client
) -> None:
    Delivery.objects.filter(pk=world.draft.pk).update(content="Hi {{ nick }}")
    admin_client.post(_url(world.draft, "prepare"))
    tasks.run_analysis(world.draft.pk)
    page = _page(admin_client, world.draft)
    assert page.count("nick }} is not a field") == 1
    assert "correct" in marked(page, "hint")
    assert 'id="log"' not in page  # nobody was judged
    forecast = _page(admin_client, world.draft, forecast="1")
    assert forecast.count("nick }} is not a field") == 2


def test_page_tells_of_a_process_that_died(world: World, admin_client: Client) -> None:
    analysis.analyse(world.draft)
    Analysis.objects.update(state=Analysis.State.RUNNING, finished_at=None)
    assert "abandoned" in marked(_page(admin_client, world.draft), "hint")
    answer = admin_client.post(_url(world.draft, "stop"), follow=True)
    assert "resume" in marked(answer.content.decode(), "action")


def test_causes_without_people_are_folded_away(
    world: World, admin_client: Client
) -> None:
    page = _page(admin_client, world.prepared)
    folded = marked(page, "empty-cause")
    assert "denylist_any_channel" in folded
    assert not folded.keys() & marked(page, "cause").keys()


def test_forecast_stores_nothing(world: World, admin_client: Client) -> None:
    page = _page(admin_client, world.draft, forecast="1")
    assert "7 targeted = 1 to deliver + 6 excluded" in page
    assert not Analysis.objects.filter(delivery=world.draft).exists()


def test_forecast_that_takes_too_long_gives_way(
    world: World, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(delivery: Delivery) -> Any:
        raise sql.TooSlow("5 seconds")

    monkeypatch.setattr(preparations, "within_time", slow)
    page = _page(admin_client, world.draft, forecast="1")
    assert "no-forecast" in marked(page, "hint")


def test_comparison_page(world: World, admin_client: Client) -> None:
    again = deliveries.duplicate(world.prepared)
    analysis.analyse(again)
    url = _url(again, "compare")
    page = admin_client.get(url, {"with": world.prepared.pk})
    assert page.context["earlier"] == world.prepared
    assert page.context["moves"]["stayed"] == "4"
    for text in ("999999", "x", "1" * 30, "-1"):
        assert admin_client.get(url, {"with": text}).status_code == 200
    person(50, email="p50@example.com")
    before = _queries(admin_client, url)
    for number in range(60, 90):
        person(number, email=f"p{number}@example.com")
    analysis.analyse(again)
    assert _queries(admin_client, url) == before


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("P1", "Dear Anna &amp;lt;b&amp;gt;"),
        ("P99", "names no profile"),
        ("twin@example.com", "names several profiles"),
        ("", "example in the place"),
        ("\0", "example in the place"),
    ],
)
def test_preview_shows_the_form_as_it_is(
    profile: str, words: str, world: World, admin_client: Client
) -> None:
    type(world.people[0]).objects.filter(pk=world.people[0].pk).update(
        first_name="Anna <b>"
    )
    posted = {
        "subject": "Hello {{ first_name }}",
        "content": "<p>Dear {{ first_name }} {{ unknown }}</p><script>x</script>",
        "headers": "From: me",
        "preview_profile": profile,
    }
    answer = admin_client.post(_url(world.prepared, "preview"), posted)
    page = answer.content.decode()
    assert words in page
    for found in ("{{ unknown }} is not a field", "Marketing needs", "header From"):
        assert found in page
    # Whatever the message holds, the frame runs nothing, and loads pictures alone.
    assert "<script" not in html.unescape(page)
    policy = answer["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert Delivery.objects.get(pk=world.prepared.pk).subject == ""


@pytest.mark.parametrize(
    ("content", "words"),
    [("a" * 161, "161 characters in GSM-7: 2 SMS"), ("ş", "1 characters in UCS-2: 1")],
)
def test_preview_tells_the_length_of_an_sms(
    content: str, words: str, world: World, admin_client: Client
) -> None:
    posted = {"content": content}
    answer = admin_client.post(_url(world.draft, "preview"), posted)
    assert words in answer.content.decode()


def test_duplicate_is_a_draft_to_go_on_with(world: World, admin_client: Client) -> None:
    answer = admin_client.post(_url(world.sent, "duplicate"))
    copy = Delivery.objects.get(label="Sent (copy)")
    assert answer["Location"] == _url(copy, "change")
    assert copy.state == "draft"


def test_buttons_need_their_permission_and_get_changes_nothing(world: World) -> None:
    looker = clerk("looker", "view_delivery")
    draft = world.draft
    for name in ("prepare", "stop", "duplicate"):
        assert looker.get(_url(draft, name)).status_code == 405
        assert looker.post(_url(draft, name)).status_code == 403
    assert not PreparationRequest.objects.exists()
    page = _page(looker, draft)
    assert _url(draft, "prepare") not in page
    stranger = clerk("stranger", "view_profile")
    for name in ("progress", "compare", "preview"):
        assert stranger.get(_url(draft, name)).status_code == 403
    assert not Message.objects.filter(delivery=draft).exists()
    preparation.ask(world.draft, actor="eva")
    assert looker.get(_url(draft, "progress")).json()["expected"] == 0
