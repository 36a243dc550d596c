"""The report and the exclusion log: counts, filters, search, pages, CSV, why (D4, D8)."""

import csv
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audiences import consent, privacy
from audiences.consent import Origin
from audiences.models import Profile
from delivery import analysis, deliveries
from delivery.admin.deliveries import outcomes
from delivery.sending import freshness

from .conftest import World, clerk, person
from .elements import marked


def _url(world: World, name: str = "outcomes", *more: int) -> str:
    return reverse(f"admin:delivery_delivery_{name}", args=[world.prepared.pk, *more])


def _names(answer: object) -> list[int]:
    return [row.profile_id for row in answer.context["page"]["rows"]]  # type: ignore[attr-defined]


def test_report_shows_every_count(world: World, admin_client: Client) -> None:
    answer = admin_client.get(_url(world))
    report = answer.context["report"]
    assert (report.targeted, report.to_deliver, report.excluded) == (7, 4, 3)
    page = answer.content.decode()
    assert marked(page, "count") == {
        "targeted": "7",
        "to_deliver": "4",
        "excluded": "3",
    }
    shares = {share.code: share.count for share in answer.context["causes"]}
    assert shares == {line.code: line.count for line in report.causes}
    assert list(shares) == [line.code for line in report.causes]
    assert [w.count for w in answer.context["warnings"]] == [1]
    assert [answer.context[n].share for n in ("delivered", "excluded")] == [
        "57.1%",
        "42.9%",
    ]


@pytest.mark.parametrize(
    ("show", "numbers"),
    [
        ("excluded", [2, 4, 6]),
        ("to_deliver", [1, 3, 5, 7]),
        ("all", [1, 2, 3, 4, 5, 6, 7]),
        ("cause:denylist_channel", [2]),
        ("cause:address_missing", [6]),
        ("warning:shares_address_with_opted_out", [3]),
        ("cause:nonsense", [2, 4, 6]),
    ],
)
def test_filters(
    show: str, numbers: list[int], world: World, admin_client: Client
) -> None:
    expected = [world.people[number - 1].pk for number in numbers]
    assert _names(admin_client.get(_url(world), {"show": show})) == expected
    download = admin_client.get(_url(world, "outcomes_csv"), {"show": show})
    lines = b"".join(download.streaming_content).decode().splitlines()
    assert [int(row["profile"]) for row in csv.DictReader(lines)] == expected


@pytest.mark.parametrize("text", ["P4", "P4\0", "BOUNCED@example.com", "ext:P4"])
def test_search(text: str, world: World, admin_client: Client) -> None:
    assert _names(admin_client.get(_url(world), {"q": text})) == [world.people[3].pk]
    empty = admin_client.get(_url(world), {"q": text, "show": "to_deliver"})
    assert _names(empty) == []
    assert "look-everywhere" in marked(empty.content.decode(), "action")


def test_search_by_any_word_of_a_name_in_any_letter_case(
    world: World, admin_client: Client
) -> None:
    Profile.objects.filter(pk=world.people[3].pk).update(
        first_name="Zoë", last_name="de Vriès"
    )
    for text in ("vries", "ZOE DE V", "vriès zoe"):
        assert _names(admin_client.get(_url(world), {"q": text})) == [
            world.people[3].pk
        ]


def test_pages_go_on_after_the_last_profile(
    world: World, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "PAGE", 3)
    ids = [p.pk for p in world.people]
    first = admin_client.get(_url(world), {"show": "all"})
    assert _names(first) == ids[:3]
    assert not first.context["page"]["previous"]
    second = admin_client.get(f"{_url(world)}?{first.context['page']['next']}")
    assert _names(second) == ids[3:6]
    last = admin_client.get(f"{_url(world)}?{second.context['page']['next']}")
    assert _names(last) == ids[6:]
    assert not last.context["page"]["next"]
    back = admin_client.get(f"{_url(world)}?{last.context['page']['previous']}")
    assert _names(back) == ids[3:6]
    start = admin_client.get(f"{_url(world)}?{back.context['page']['previous']}")
    assert _names(start) == ids[:3]
    assert not start.context["page"]["previous"]
    for odd in ("x", "-1", "9" * 40):
        assert admin_client.get(_url(world), {"after": odd}).status_code == 200


def test_cells_of_the_csv_are_no_formulas(world: World, admin_client: Client) -> None:
    download = admin_client.get(_url(world, "outcomes_csv"), {"show": "to_deliver"})
    text = b"".join(download.streaming_content).decode()
    assert ",'=1+1," in text
    assert ",=1+1," not in text
    assert "attachment" in download["Content-Disposition"]


def test_unprepared_delivery_says_which_command_prepares_it(
    world: World, admin_client: Client
) -> None:
    url = reverse("admin:delivery_delivery_outcomes", args=[world.draft.pk])
    page = admin_client.get(url).content.decode()
    assert "draft" in marked(page, "state")
    download = reverse("admin:delivery_delivery_outcomes_csv", args=[world.draft.pk])
    assert admin_client.get(download).status_code == 200


def test_why_shows_every_rule_that_matches(world: World, admin_client: Client) -> None:
    twin = world.people[1]
    page = admin_client.get(_url(world, "why", twin.pk)).content.decode()
    assert "denylist_channel" in page
    free = world.people[4]
    page = admin_client.get(_url(world, "why", free.pk)).content.decode()
    assert "No rule matches" in page
    assert admin_client.get(_url(world, "why", 999_999)).status_code == 404


def test_erased_person_stays_in_the_log_without_a_name(
    world: World, admin_client: Client
) -> None:
    gone = world.people[3]
    pk = gone.pk
    privacy.erase(gone)
    answer = admin_client.get(_url(world))
    assert pk in _names(answer)
    assert f"#{pk}" in answer.content.decode()


def test_queries_are_the_same_for_ten_times_the_people(
    world: World, admin_client: Client
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            admin_client.get(_url(world), {"show": "all"})
        return len(captured)

    before = queries()
    for number in range(100, 170):
        person(number, email=f"p{number}@example.com")
    analysis.analyse(world.prepared)
    assert queries() == before


def test_page_is_only_for_those_who_may_see_deliveries(world: World) -> None:
    stranger = clerk("stranger", "view_profile")
    looker = clerk("looker", "view_delivery", "export_profile", "see_addresses")
    for url in (
        _url(world),
        _url(world, "outcomes_csv"),
        _url(world, "why", world.people[0].pk),
    ):
        assert stranger.get(url).status_code == 403
        assert looker.get(url).status_code == 200
        assert Client().get(url).status_code == 302
    # A file of addresses is not for those who may not see any.
    blind = clerk("blind", "view_delivery", "export_profile")
    assert blind.get(_url(world)).status_code == 200
    assert blind.get(_url(world, "outcomes_csv")).status_code == 403


def test_report_says_whom_it_would_leave_out_now(
    world: World, admin_client: Client
) -> None:
    shown = admin_client.get(_url(world)).content.decode()
    assert "no-drift" in marked(shown, "hint")
    origin = Origin(source="operator", note="by phone")
    consent.opt_out(world.people[0], "email", origin)
    consent.opt_out(world.people[4], "any", origin)
    shown = admin_client.get(_url(world)).content.decode()
    assert "2 people of the target would be left out now." in shown
    assert "Profile on denylist: this channel: 1" in shown
    assert "prepare-again" in marked(shown, "action")
    # The button of the form above, which is there too.
    assert '<form method="post" id="prepare"' in shown


def test_report_of_a_large_target_says_at_least(
    world: World, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "FEW", 0)
    origin = Origin(source="operator", note="by phone")
    consent.opt_out(world.people[0], "email", origin)
    shown = admin_client.get(_url(world)).content.decode()
    assert "At least 1 person of the target would be left out now." in shown


def test_ready_is_out_of_date_in_lists_and_at_home(
    world: World, admin_client: Client
) -> None:
    pages = [
        reverse("admin:delivery_delivery_changelist"),
        reverse("admin:index"),
        _url(world),
    ]
    said = ("Out of date", "Out of date", "more than a day ago")
    for page, words in zip(pages, said, strict=True):
        assert words not in admin_client.get(page).content.decode()
    old = timezone.now() - timedelta(days=2)
    world.prepared.analyses.update(finished_at=old)
    # What was handed over stands, however old it is.
    world.sent.analyses.update(finished_at=old)
    for page, words in zip(pages, said, strict=True):
        assert admin_client.get(page).content.decode().count(words) == 1, page


def test_page_of_a_person_marks_what_was_decided_before_a_change(
    world: World, admin_client: Client
) -> None:
    url = reverse("admin:audiences_profile_change", args=[world.people[4].pk])
    assert "Changed since" not in admin_client.get(url).content.decode()
    origin = Origin(source="operator", note="by phone")
    consent.opt_out(world.people[4], "email", origin)
    assert admin_client.get(url).content.decode().count("Changed since") == 1


def test_list_takes_as_many_queries_for_ten_deliveries_as_for_two(
    world: World, admin_client: Client
) -> None:
    url = reverse("admin:delivery_delivery_changelist")
    counts = []
    for part in ("A", "B"):
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(url)
        counts.append(len(queries))
        for number in range(10):
            analysis.analyse(deliveries.create(f"{part}{number}", channel="email"))
    assert counts[0] == counts[1]
