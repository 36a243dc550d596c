"""The home page: figures that are right, kept, and read without counting."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audiences import consent
from audiences.background import figures, presence
from audiences.channels import ANY_FLAG, Channel, flag_name
from audiences.consent import Origin
from audiences.console import charts
from audiences.models import AddressStatus, Figure, OutboxMail, Profile
from delivery import deliveries, quarantine
from delivery.models import Analysis, Delivery, InboundItem, Sending
from delivery.quarantine import figures as delivery_figures

from .conftest import World, clerk, person
from .elements import marked

pytestmark = pytest.mark.django_db
HOME = "/admin/"


def _part(profile: Profile, channel: Channel) -> str:
    """In which part of the channel one profile is, told one by one."""
    if getattr(profile, ANY_FLAG) or getattr(profile, flag_name(channel)):
        return "opted_out"
    address = profile.addresses.filter(channel=channel, is_primary=True).first()
    if address is None or not address.is_valid:
        return "no_address"
    stopped = (AddressStatus.QUARANTINE, AddressStatus.DENYLISTED)
    return "quarantined" if address.quarantine_status in stopped else "contactable"


def test_reach_is_what_each_profile_says(world: World) -> None:
    unusable = person(90, email="p90@example.com").addresses
    unusable.update(is_valid=False)
    person(91)
    consent.opt_out(person(92, sms="+31612345690"), "sms", Origin(source="command"))
    figures.refresh("reach")
    data = figures.latest()["reach"].data
    everybody = list(Profile.objects.all())
    assert data["total"] == len(everybody)
    for channel in Channel:
        told = [_part(profile, channel) for profile in everybody]
        counted = data["channels"][channel.value]
        assert counted == {part: told.count(part) for part in counted}
        assert sum(counted.values()) == len(everybody)


def test_consent_is_counted_by_day(world: World) -> None:
    figures.refresh("consent_by_day")
    before = figures.latest()["consent_by_day"].data
    old = timezone.now() - timedelta(days=3)
    profiles = [person(80), person(81)]
    for profile in profiles:
        consent.opt_out(profile, "email", Origin(source="command", at=old))
    consent.opt_in(profiles[0], "email", Origin(source="command", note="asked"))
    figures.refresh("consent_by_day")
    after = figures.latest()["consent_by_day"].data
    assert len(after["days"]) == 30
    assert after["days"][-1] == timezone.localdate().isoformat()
    assert after["opt_out"][-4] - before["opt_out"][-4] == 2
    assert after["opt_in"][-1] - before["opt_in"][-1] == 1


def test_the_quarantine_is_counted_by_reason(world: World) -> None:
    for number in range(3):
        quarantine.record(
            "email",
            f"gone{number}@example.com",
            type="hard",
            reason="invalid_domain",
            source="test",
        )
    figures.refresh("quarantine_growth")
    data = figures.latest()["quarantine_growth"].data
    rows = {reason: numbers for reason, *numbers in data["reasons"]}
    assert rows["invalid_domain"] == [3, 3, 3]
    assert data["added"][-1] >= 3


def test_many_addresses_with_one_error_look_like_an_outage(
    world: World, monkeypatch: pytest.MonkeyPatch, admin_client: Client
) -> None:
    monkeypatch.setattr(delivery_figures, "OUTAGE", 3)
    for number in range(3):
        quarantine.record(
            "email",
            f"down{number}@example.com",
            type="soft",
            reason="unreachable",
            text="451 try again later",
            source="test",
        )
    figures.refresh("outages")
    text = admin_client.get(HOME).content.decode()
    assert "3 addresses got the same error in two days" in text
    assert "451 try again later" in text


def test_home_counts_nothing_and_asks_the_same_for_more(
    world: World, admin_client: Client
) -> None:
    figures.refresh()
    with CaptureQueriesContext(connection) as before:
        admin_client.get(HOME)
    for number in range(60, 75):
        person(number, email=f"p{number}@example.com")
    with CaptureQueriesContext(connection) as after:
        admin_client.get(HOME)
    assert len(after) == len(before)
    statements = " ".join(query["sql"] for query in after)
    for table in ("profile", "address"):
        assert f'"audiences_{table}"' not in statements
    # Whether the ledger is behind: the first event that is not sealed.
    for query in after:
        is_one = "LIMIT 1" in query["sql"]
        assert is_one or '"audiences_consentevent"' not in query["sql"]
    for table in ("quarantineentry", "addresserror", "outcome"):
        assert f'"delivery_{table}"' not in statements


def test_home_says_so_before_anything_was_counted(admin_client: Client) -> None:
    text = admin_client.get(HOME).content.decode()
    assert "Nothing has been counted yet" in text
    assert "no-delivery" in marked(text, "state")


def test_home_shows_what_failed(world: World, admin_client: Client) -> None:
    run = world.prepared.latest_analysis
    assert run
    Analysis.objects.filter(pk=run.pk).update(state="failed", error="disk full")
    text = admin_client.get(HOME).content.decode()
    assert "The analysis of “Prepared” failed." in text


def test_home_says_what_failed_however_many_are_being_sent(
    world: World, admin_client: Client
) -> None:
    for number in range(7):
        older = deliveries.create(f"older {number}", channel="email")
        Sending.objects.create(
            delivery=older, state="scheduled", starts_at=timezone.now()
        )
    failed = deliveries.create("Failed", channel="email")
    run = Analysis.objects.filter(delivery=world.prepared)
    run.update(delivery=failed, state="failed")
    text = admin_client.get(HOME).content.decode()
    assert "The analysis of “Failed” failed." in text


def test_home_puts_deliveries_whose_sending_is_open_before_newer_ones_and_counts_all(
    world: World, admin_client: Client
) -> None:
    old = Delivery.objects.earliest("pk")
    Sending.objects.update_or_create(
        delivery=old, defaults={"state": "paused", "starts_at": timezone.now()}
    )
    newer = [deliveries.create(f"newer {n}", channel="email") for n in range(7)]
    text = admin_client.get(HOME).content.decode()
    card = text[text.index('class="delivery-lines"') :]
    assert f"All {Delivery.objects.count()} deliveries" in card
    shown = [d.label for d in [old, *reversed(newer)] if f">{d.label}</a>" in card]
    places = [card.index(f">{label}</a>") for label in shown]
    assert shown[0] == old.label
    assert places == sorted(places)
    assert len(shown) == 6


def test_home_shows_only_what_the_operator_may_see(world: World) -> None:
    figures.refresh()
    text = clerk("deliverer", "view_delivery").get(HOME).content.decode()
    assert "Last deliveries" in text
    for hidden in ("Reach by channel", "Quarantine by reason", "Opt-ins and opt-outs"):
        assert hidden not in text
    nobody = clerk("nobody").get(HOME).content.decode()
    assert "no-role" in marked(nobody, "state")


def test_counting_again_is_asked_by_a_post_and_done_in_the_background(
    world: World,
    admin_client: Client,
    django_capture_on_commit_callbacks: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "celery.canvas.Signature.delay", lambda self: asked.append(self.task)
    )
    url = reverse("admin:refresh_figures")
    assert admin_client.get(url).status_code == 405
    with django_capture_on_commit_callbacks(execute=True):
        assert admin_client.post(url).status_code == 302
    assert asked == ["audiences.tasks.refresh_figures"]
    assert not Figure.objects.exists(), "the request itself counts nothing"
    assert clerk("nobody").post(url).status_code == 403


def test_a_person_is_searched_from_home(world: World, admin_client: Client) -> None:
    text = admin_client.get(HOME).content.decode()
    assert f'action="{reverse("admin:audiences_profile_changelist")}"' in text
    assert 'name="q"' in text


@pytest.mark.parametrize(
    ("number", "top"), [(0, 1), (1, 1), (7, 8), (11, 20), (583, 600), (1000, 1000)]
)
def test_an_axis_ends_at_a_number_that_reads_well(number: int, top: int) -> None:
    assert charts.nice(number) == top


def test_every_page_of_the_console_has_a_strict_policy(admin_client: Client) -> None:
    for url in (HOME, reverse("admin:audiences_profile_changelist")):
        policy = admin_client.get(url)["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


def test_home_tells_what_waits_and_leads_to_it(
    world: World, admin_client: Client
) -> None:
    OutboxMail.objects.update(result="uncertain")
    item = InboundItem.objects.filter(state__in=InboundItem.WAITING)[0]
    page = admin_client.get(HOME)
    told = {notice.url: notice.text for notice in page.context["notices"]}
    inbound = reverse("admin:delivery_inbounditem_changelist")
    mails = reverse("admin:audiences_outboxmail_changelist")
    calls = reverse("admin:delivery_hookcount_changelist")
    assert "1 thing that came back waits" in told[inbound]
    assert "1 mail was perhaps not sent" in told[f"{mails}?result=uncertain"]
    assert "1 call of “twilio”" in told[f"{calls}?provider=twilio"]
    for url in (inbound, f"{mails}?result=uncertain", f"{calls}?provider=twilio"):
        rows = admin_client.get(url).context["cl"].result_list
        assert len(rows) == 1, url
    InboundItem.objects.filter(pk=item.pk).update(state="held")
    notices = admin_client.get(HOME).context["notices"]
    held = {notice.url: notice.text for notice in notices}
    assert "1 address is held" in held[f"{inbound}?state=held"]
    assert inbound not in held
    for notice in clerk("nobody", "view_profile").get(HOME).context["notices"]:
        is_for_all = not notice.url or "/help/" in notice.url
        assert is_for_all or notice.url not in told


@pytest.mark.parametrize(
    ("is_own_machine", "tone", "words"),
    [
        (True, "", "until you start one (manage.py worker)"),
        (False, "bad", "was ever seen"),
    ],
)
def test_a_missing_worker_is_loud_in_production_alone(
    admin_client: Client, settings: Any, is_own_machine: bool, tone: str, words: str
) -> None:
    settings.DEBUG = is_own_machine

    def told() -> list[str]:
        notices = admin_client.get(HOME).context["notices"]
        return [notice.tone for notice in notices if words in notice.text]

    assert told() == [tone]
    presence.note("one")
    assert told() == []
