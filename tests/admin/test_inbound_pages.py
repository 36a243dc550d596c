"""What waits is seen, decided once and with the operator's name."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences.background import figures
from audiences.console.numbers import rate
from audiences.models import Profile
from delivery.admin.feedback.figures import FailureLine
from delivery.feedback import intake
from delivery.models import InboundItem, Message, MessageEvent, QuarantineEntry
from tests.feedback.reports import ADDRESS, dsn, event, sent, status

from .conftest import clerk
from .elements import marked

pytestmark = pytest.mark.django_db
LIST = reverse("admin:delivery_inbounditem_changelist")
FIGURES = reverse("admin:delivery_inbounditem_figures")
JUNK = b"From: x@y.example\n\n<script>alert(1)</script> mailbox of ann is gone\n"


def url(item: InboundItem, name: str = "change") -> str:
    return reverse(f"admin:delivery_inbounditem_{name}", args=[item.pk])


def arrived(raw: bytes) -> InboundItem:
    return intake.process(intake.receive("mail", raw)[0])


@pytest.fixture
def forged() -> InboundItem:
    """A bounce without a number of ours, about an address that we have written to."""
    sent(provider_id="p-1")
    return arrived(dsn("9@mta"))


def test_the_list_begins_with_what_waits_and_finds_by_address(
    forged: InboundItem, admin_client: Client
) -> None:
    applied = InboundItem.objects.create(
        source="mail", external_id="1", received_at=timezone.now(), raw=b"", size=0,
        state="applied",
    )  # fmt: skip
    shown = admin_client.get(LIST).context["cl"]
    assert list(shown.result_list) == [forged]
    everything = admin_client.get(LIST, {"state": "all"}).context["cl"]
    assert list(everything.result_list) == [applied, forged]
    found = admin_client.get(LIST, {"state": "all", "q": ADDRESS.upper()})
    assert list(found.context["cl"].result_list) == [forged]


def test_an_operator_matches_what_waits_to_a_message(
    forged: InboundItem, admin_client: Client
) -> None:
    page = admin_client.get(url(forged)).content.decode()
    assert "anybody could have written that" in page
    message = Message.objects.get()
    answer = admin_client.post(url(forged, "match"), {"message": message.pk})
    assert answer.status_code == 302
    forged.refresh_from_db()
    assert (forged.state, forged.decided_by) == ("applied", "admin")
    assert (status(), MessageEvent.objects.get().message) == ("quarantine", message)
    again = admin_client.post(
        url(forged, "match"), {"message": message.pk}, follow=True
    )
    assert "decided already" in again.content.decode()
    assert QuarantineEntry.objects.get().error_count == 1


def test_a_message_that_does_not_exist_is_refused(
    forged: InboundItem, admin_client: Client
) -> None:
    for number in ("0", "x", "9" * 30, ""):
        answer = admin_client.post(
            url(forged, "match"), {"message": number}, follow=True
        )
        assert "no message with this number" in answer.content.decode()
    assert status() == "none"


def test_an_operator_ignores_what_means_nothing(
    forged: InboundItem, admin_client: Client
) -> None:
    admin_client.post(url(forged, "ignore"), {"note": "forged"})
    forged.refresh_from_db()
    assert (forged.state, forged.note, status()) == ("ignored", "forged", "none")


def test_what_no_program_understands_is_shown_safely_and_decided(
    admin_client: Client,
) -> None:
    message = sent()
    item = arrived(JUNK)
    page = admin_client.get(url(item)).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    admin_client.post(url(item, "match"), {"message": message.pk, "says": "hard"})
    item.refresh_from_db()
    assert (item.state, status()) == ("applied", "quarantine")


def test_reading_again_applies_what_is_understood_by_now(
    admin_client: Client,
) -> None:
    profile = sent(message_id="other@mta").profile
    item = arrived(dsn("1@mta"))
    assert item.state == "unmatched"
    # The file with the messages came after the bounce.
    sent(label="Later", message_id="1@mta", profile=Profile.objects.get(pk=profile.pk))
    admin_client.post(url(item, "read_again"))
    item.refresh_from_db()
    assert (item.state, status()) == ("applied", "quarantine")


def test_what_breaks_its_reader_can_be_opened(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(item: InboundItem) -> intake.Findings:
        raise RecursionError

    monkeypatch.setitem(intake.READERS, "mail", broken)
    item = arrived(JUNK)
    assert item.state == "unreadable"
    assert "No program understands" in admin_client.get(url(item)).content.decode()


@pytest.mark.parametrize("name", ["match", "ignore", "read_again"])
def test_only_who_may_change_items_decides(forged: InboundItem, name: str) -> None:
    reader = clerk("reader", "view_inbounditem")
    page = reader.get(url(forged)).content.decode()
    assert url(forged, "ignore") not in page
    assert "Your role does not decide" in page
    assert reader.post(url(forged, name), {"message": 1}).status_code == 403
    assert reader.get(url(forged, name)).status_code == 405
    forged.refresh_from_db()
    assert forged.state == "unmatched"


def test_figures_count_a_message_once_and_draw_the_limits(
    admin_client: Client, django_assert_num_queries: object
) -> None:
    page = admin_client.get(FIGURES).content.decode()
    assert "not-counted" in marked(page, "state")
    figures.refresh("feedback")
    page = admin_client.get(FIGURES).content.decode()
    assert "no-failure" in marked(page, "state")
    at = timezone.now()
    for number in range(4):
        sent(f"p{number}@shop.example", at=at, message_id=f"{number}@mta")
    for source in ("mail", "esp"):
        told = event(message_ids=("0@mta",), source=source, event_id=source, at=at)
        intake.apply(told, intake.receive(source, b"report")[0])
    complaint = event("complaint", message_ids=("1@mta",), at=at)
    intake.apply(complaint, intake.receive("mail", b"complaint")[0])
    figures.refresh("feedback")
    context = admin_client.get(FIGURES).context
    assert context["domains"] == [
        FailureLine("shop.example", "4", "1", "25.00%", [("User unknown", "1")])
    ]
    assert (context["weeks"]["rows"][-1].rate) == "25.00%"
    (row,) = context["complaints"]["rows"]
    assert (row["sent"], row["complaints"], row["rate"]) == ("4", "1", "25.00%")
    assert row["is_over"]
    assert [rate(x) for x in (0, 0.001, 0.01)] == ["0.00%", "<0.01%", "0.01%"]
    assert context["complaints"]["wanted"] == "0.1%"
    assert clerk("nobody").get(FIGURES).status_code == 403


# ------------------------------------------------------------ a held address
WISH = (
    f"From: {ADDRESS}\nTo: unsubscribe@mail.example\nSubject: Unsubscribe\n\nBye.\n"
).encode()


@pytest.fixture
def held() -> InboundItem:
    """An unsubscribe mail that nothing proves, from somebody whom we write to."""
    sent(provider_id="p-1")
    item = arrived(WISH)
    assert (item.state, status()) == ("held", "denylisted")
    return item


def test_a_held_address_is_shown_with_what_can_be_decided(
    held: InboundItem, admin_client: Client
) -> None:
    page = admin_client.get(url(held)).content.decode()
    for text in (
        "Nothing is sent to the address",
        "It means STOP",
        "Release the address",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("act", "address", "is_out"),
    [("stop", "denylisted", True), ("ignore", "valid", False)],
)
def test_an_operator_decides_about_a_held_address(
    act: str, address: str, is_out: bool, held: InboundItem, admin_client: Client
) -> None:
    assert admin_client.post(url(held, act)).status_code == 302
    held.refresh_from_db()
    assert (held.is_waiting, held.decided_by, status()) == (False, "admin", address)
    assert Profile.objects.get().no_longer_contact_email is is_out


def test_a_held_address_may_be_about_a_message(
    held: InboundItem, admin_client: Client
) -> None:
    message = Message.objects.get()
    admin_client.post(url(held, "match"), {"message": message.pk})
    held.refresh_from_db()
    assert (held.state, status()) == ("applied", "valid")
    assert Profile.objects.get().no_longer_contact_email
