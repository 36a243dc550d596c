"""What is refused says where it is, by one rule, and what to do about it."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audiences.imports import runs
from audiences.models import ConsentEvent, ImportRun, Service
from delivery import deliveries, quarantine
from delivery.models import AddressError
from tests.factories import ServiceFactory
from tests.people import is_, person, tree

from .conftest import Program
from .test_bodies import sent

pytestmark = pytest.mark.django_db
UNSEEN = ["\u200b", " \u2060 ", "\ufeff"]
BOX = {"channel": "email", "address": "ann@example.org"}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        # A field by its path in the body; a parameter and a header by its name.
        ("POST", "consent", {"items": [{"profile": 1}]}, "items.0.profile"),
        ("POST", "contactable", {"channel": "email", "profiles": [1.5]}, "profiles.0"),
        ("POST", "contactable", {"channel": "email", "profiles": [True]}, "profiles.0"),
        ("POST", "contactable", {"channel": "email"}, "body"),
        (
            *("POST", "subscriptions"),
            {
                "items": [
                    {
                        "profile": "id:1",
                        "service": "news",
                        "action": "request",
                        "language": "xx!",
                    }
                ]
            },
            "items.0.language",
        ),
        ("POST", "suppressions", {**BOX, "note": "ann@example.org"}, "note"),
        ("POST", "audiences", {"name": "everyone", "condition": {}}, "name"),
        ("POST", "audiences", {"name": "x", "condition": {}}, "condition"),
        ("POST", "quarantine", {**BOX, "address": "x"}, "address"),
        ("POST", "profiles", {"addresses": [{**BOX, "x": 1}]}, "addresses.0.x"),
        ("POST", "services", {"slug": "news", "label": "N", "channel": "sms"}, "slug"),
        ("POST", "deliveries/none/pause", {}, "delivery"),
        (
            "POST",
            "deliveries/June/send",
            {"now": True, "at": "2027-01-01T00:00:00Z"},
            "body",
        ),
        ("GET", "services/none", None, "service"),
        ("GET", "audiences/none", None, "audience"),
        ("GET", "privacy-requests/99", None, "number"),
        ("GET", "imports/99", None, "number"),
        ("GET", "endpoints/99", None, "number"),
        ("GET", "imports/abc", None, "number"),
        ("GET", "services?limit=0", None, "limit"),
        ("GET", "services?cursor=%00", None, "cursor"),
        ("GET", "profiles/id:%00", None, "profile"),
        ("POST", "profiles?dry_run=1", {}, "dry_run"),
        # Left empty by mistake, a filter would show everybody.
        ("GET", "subscriptions?profile=", None, "profile"),
        ("GET", "subscriptions?service=", None, "service"),
        ("GET", "messages?profile=", None, "profile"),
        ("GET", "messages?delivery=", None, "delivery"),
        ("GET", "messages/events?delivery=", None, "delivery"),
        ("GET", "profiles?find=", None, "find"),
        ("GET", "changes?types=", None, "types"),
    ],
)
def test_a_fault_has_one_place_and_a_remedy(
    shop: Program, method: str, path: str, body: Any, field: str
) -> None:
    ServiceFactory(slug="news")
    deliveries.create("June", channel="email")
    answer = shop.call(method, path, body)
    assert 400 <= answer.status_code < 500, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.data["errors"][0]["field"] == field
    assert answer.data["remedy"]
    assert "constrained" not in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("services/news", ["label", "double_opt_in", "is_closed"]),
        ("endpoints/{endpoint}", ["url", "events", "with_addresses", "state"]),
    ],
)
def test_null_is_refused_where_nothing_can_be_taken_away(
    shop: Program, path: str, names: list[str]
) -> None:
    ServiceFactory(slug="news", validity_days=5)
    body = {"url": "https://a.example/", "events": ["profile.erased"]}
    made = shop.post("endpoints", body)
    place = path.format(endpoint=made.data["id"])
    before = shop.get(place).data
    for name in names:
        answer = shop.patch(place, {name: None})
        assert answer.status_code == 422, name
        assert answer.data["errors"][0]["field"] == name
    assert shop.patch(place, {}).data == before, "what is left out stays"
    assert shop.patch("services/news", {"validity_days": None}).status_code == 200
    assert Service.objects.get(slug="news").validity_days is None


@pytest.mark.parametrize("name", UNSEEN)
def test_nothing_gets_a_name_that_nobody_can_see(shop: Program, name: str) -> None:
    for path, body, field in (
        ("services", {"slug": "news", "label": name, "channel": "email"}, "label"),
        ("deliveries", {"label": name, "channel": "email"}, "label"),
        ("audiences", {"name": name, "condition": tree(is_("language", "nl"))}, "name"),
        (
            "privacy-requests",
            {"profile": "ext:A1", "kind": "access", "text": name},
            "text",
        ),
        (
            "deliveries",
            {
                "label": "Recall",
                "channel": "email",
                "purpose": "legal",
                "purpose_note": name,
            },
            "purpose_note",
        ),
    ):
        person_there = path != "privacy-requests" or person(external_id="A1")
        assert person_there
        answer = shop.post(path, body)
        assert answer.status_code in (409, 422), (path, answer.content)
        assert answer.data["errors"][0]["field"] == field
    kept = {"slug": "k", "label": "  \U0001f9d1‍\U0001f33e ", "channel": "email"}
    assert shop.post("services", kept).data["label"] == "\U0001f9d1‍\U0001f33e"


def test_a_program_says_why_an_address_leaves_the_denylist(shop: Program) -> None:
    """Somebody complained: the console asks once more, a program says why."""
    quarantine.record(*BOX.values(), type="hard", reason="complaint", source="arf")
    for path, body in (
        ("quarantine/release", {}),
        ("quarantine/release", {"text": "\u200b…"}),
        ("quarantine", {"status": "valid"}),
        ("quarantine", {"status": "quarantine"}),
        ("quarantine", {"status": "erroneous", "text": " "}),
    ):
        answer = shop.post(path, {**BOX, **body})
        assert (answer.status_code, answer.data["code"]) == (422, "note_needed"), body
        assert answer.data["errors"][0]["field"] == "text"
    assert shop.post("quarantine", {**BOX, "status": "denylisted"}).status_code == 200
    told = shop.post("quarantine/release", {**BOX, "text": "They rang: a slip."})
    assert told.data["status"] == "valid"
    assert "They rang: a slip." in [act["text"] for act in told.data["actions"]]
    shop.post("quarantine", BOX)
    assert shop.post("quarantine/release", BOX).data["status"] == "valid"


def test_the_id_of_an_event_is_of_one_address(shop: Program) -> None:
    """Another bounce under the same number would be lost without a word."""
    error = {"type": "hard", "event_id": "e1"}
    assert shop.post("quarantine/errors", {**BOX, **error}).status_code == 200
    again = shop.post("quarantine/errors", {**BOX, **error})
    assert (again.status_code, len(again.data["errors"])) == (200, 1)
    other = {"channel": "email", "address": "bob@example.org", **error}
    taken = shop.post("quarantine/errors", other)
    assert (taken.status_code, taken.data["code"]) == (409, "event_taken")
    assert taken.data["errors"][0]["field"] == "event_id"
    assert AddressError.objects.count() == 1


def test_a_message_that_is_nobodys_says_why(shop: Program) -> None:
    ann = person(email="ann@example.org")
    deliveries.create("June", channel="email")
    items: list[dict[str, Any]] = [
        {"address": "ann@example.org", "at": "2999-01-01T00:00:00Z"},
        {"address": "nonsense"},
        {"address": "bob@example.org"},
        {"address": "ann@example.org", "profile": ann.pk + 1},
        {"address": "Ann@Example.org", "profile": ann.pk},
        {"address": "ann@example.org"},
    ]
    told = shop.post("messages", {"delivery": "June", "items": items}).data
    assert [
        (row["status"], *map((row.get("error") or {}).get, ("code", "field")))
        for row in told["items"]
    ] == [
        ("failed", "lies_ahead", "at"),
        ("failed", "invalid_address", "address"),
        ("failed", "nobody_has", "address"),
        ("failed", "not_theirs", "profile"),
        ("recorded", None, None),
        ("unchanged", None, None),
    ]
    assert (told["recorded"], told["unchanged"], told["failed"]) == (1, 1, 4)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z"])
def test_a_moment_that_nobody_means_is_refused(shop: Program, at: str) -> None:
    """What is added to it, or shown in another zone, would be outside the calendar."""
    person(external_id="A1")
    body = {"url": "https://a.example/", "events": ["profile.erased"]}
    place = shop.post("endpoints", body)["Location"].removeprefix("/api/v1/")
    for path, asked in (
        (f"{place}/replay", {"since": at}),
        ("quarantine/errors", {**BOX, "type": "soft", "at": at}),
        (
            "privacy-requests",
            {"profile": "ext:A1", "kind": "access", "received_at": at},
        ),
    ):
        assert shop.post(path, asked).status_code == 422


def test_an_objection_is_on_record_as_what_a_program_said(shop: Program) -> None:
    person(external_id="A1")
    shop.post("privacy-requests", {"profile": "ext:A1", "kind": "objection"})
    event = ConsentEvent.objects.select_related("evidence").get()
    assert (event.source, event.evidence.actor) == ("api", "api:shop")


def test_several_deliveries_of_a_name_are_no_delivery_that_is_missing(
    shop: Program,
) -> None:
    one = deliveries.create("June", channel="email")
    deliveries.create(str(one.pk), channel="email")
    answer = shop.get(f"deliveries/{one.pk}")
    assert (answer.status_code, answer.data["code"]) == (409, "several_deliveries")
    assert shop.get(f"deliveries/label:{one.pk}").data["label"] == str(one.pk)


def test_refusals_name_no_command_and_no_setting(shop: Program) -> None:
    asked = {"url": "https://10.0.0.1/", "events": ["profile.erased"]}
    told = shop.post("endpoints", asked)
    assert (told.status_code, told.data["code"]) == (422, "not_public")
    assert "ENDPOINTS" not in told.content.decode()
    answer: Any = shop.client.post(
        "/api/v1/imports",
        {
            "kind": "quarantine",
            "file": SimpleUploadedFile(
                "q.csv", b"channel,address,status\nemail,ann@example.org,valid\n"
            ),
        },
        headers={"Authorization": f"Bearer {shop.secret}"},
    )
    assert answer.status_code == 202
    run = ImportRun.objects.get()
    runs.perform(run)
    (row,) = shop.get(f"imports/{run.pk}/rejects").data["items"]
    assert row["field"] == "status"
    assert "_quarantine" not in row["reason"]
    assert "--" not in row["reason"]


@pytest.mark.parametrize("name", ["日本", "sleutel-é", "a b", "\N{GRINNING FACE}"])
def test_an_idempotency_key_may_have_any_letters(shop: Program, name: str) -> None:
    """Sent in UTF-8, and read by the server as Latin-1."""
    wire = name.encode().decode("latin-1")
    first = shop.post("profiles", {}, Idempotency_Key=wire)
    again = shop.post("profiles", {}, Idempotency_Key=wire)
    assert (first.status_code, again.data) == (201, first.data)
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "a\tb"])
@pytest.mark.parametrize("path", ["profiles", "contactable", "endpoints/1/rotate"])
def test_an_idempotency_key_that_is_none_is_refused_by_every_post(
    shop: Program, path: str, name: str
) -> None:
    body = {"channel": "email", "addresses": ["x"]} if path == "contactable" else {}
    answer = shop.post(path, body, Idempotency_Key=name)
    assert (answer.status_code, answer.data["errors"][0]["field"]) == (
        422,
        "Idempotency-Key",
    )


def test_a_byte_order_mark_before_a_body_is_passed_over(shop: Program) -> None:
    answer = sent(shop, "POST", "profiles", b'\xef\xbb\xbf{"external_id": "A"}')
    assert answer.status_code == 201, answer.content


def test_a_body_of_unknown_length_is_not_taken_for_none(shop: Program) -> None:
    """In chunks it would be read as empty: a call that takes nothing would act."""
    answer = shop.post("profiles", {"external_id": "A"}, Transfer_Encoding="chunked")
    assert (answer.status_code, answer.data["code"]) == (411, "length_required")
    assert "Content-Length" in answer.data["remedy"]


def test_a_body_that_is_too_big_is_read_and_refused(
    shop: Program, settings: Any
) -> None:
    """Whoever still sends would find the connection broken, and no answer."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    answer = shop.post("profiles", {"external_id": "A" * 200_000})
    assert (answer.status_code, answer.data["code"]) == (
        413,
        "request_entity_too_large",
    )
    assert answer.wsgi_request.read() == b""
