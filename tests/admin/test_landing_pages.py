"""An operator builds a page from nothing, publishes it and looks after it (L4, L6)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences import consent, landing_pages
from audiences.consent import Origin
from audiences.landing_pages import changes as page_changes
from audiences.models import (
    Address,
    ConsentEvent,
    LandingPage,
    LandingPageText,
    LandingPageVersion,
    Profile,
    Service,
)
from audiences.records import console_log
from tests.factories import ProfileFactory, ServiceFactory

from .landing_pages import errors_of, made, picture, publish, save, shown_values, url

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def _text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# ---------------------------------------------------------------- a new page
def test_the_empty_list_says_what_to_do(admin_client: Client) -> None:
    text = _text(admin_client.get(url("changelist")))
    assert "There is no page yet" in text
    assert url("add") in text


@pytest.mark.parametrize("kind", LandingPage.Kind.values)
def test_a_new_page_of_each_kind_can_be_published_as_it_is(
    kind: str, admin_client: Client
) -> None:
    service = ServiceFactory()
    posted = {"kind": kind, "label": "The Café's page", "slug": ""}
    if kind == "subscription":
        posted["service"] = str(service.pk)
    answer = admin_client.post(url("add"), posted)
    page = LandingPage.objects.get()
    assert answer.url == url("change", page.pk)  # type: ignore[attr-defined]
    assert (page.slug, page.kind, page.status) == ("the-cafes-page", kind, "draft")
    assert publish(admin_client, page).status_code == 302
    page.refresh_from_db()
    assert page.status == "published"
    assert admin_client.get("/p/the-cafes-page/").status_code == 200


@pytest.mark.parametrize(
    ("posted", "field", "said"),
    [
        ({"label": ""}, "label", "Fill this in: “Label”."),
        ({"kind": ""}, "kind", "Choose what the page is for."),
        ({"kind": "other"}, "kind", "not one of the available choices"),
        ({"slug": "a b"}, "slug", "valid “slug”"),
        ({"slug": "brand"}, "slug", "taken by the site"),
        ({"slug": "taken"}, "slug", "This one is free: taken-2."),
        ({"label": "日本"}, "slug", "Write letters a to z"),
        ({"kind": "subscription"}, "service", "Choose what people subscribe to."),
        ({"kind": "denylist", "service": "1"}, "service", "choose “None” here"),
    ],
)
def test_errors_name_the_field_and_the_remedy(
    posted: dict[str, str], field: str, said: str, admin_client: Client
) -> None:
    made(slug="taken")
    service = ServiceFactory()
    if posted.get("service"):
        posted = {**posted, "service": str(service.pk)}
    whole = {"kind": "preferences", "label": "Choices", "slug": "", **posted}
    answer = admin_client.post(url("add"), whole)
    assert answer.status_code == 200
    assert said in " ".join(answer.context["form"].errors[field])
    assert LandingPage.objects.count() == 1


def test_a_subscription_page_without_services_says_where_to_make_one(
    admin_client: Client,
) -> None:
    answer = admin_client.post(url("add"), {"kind": "subscription", "label": "Join"})
    assert "There is no service yet: make one first" in _text(answer)


def test_the_slug_made_from_a_label_is_free(admin_client: Client) -> None:
    made(slug="news")
    admin_client.post(url("add"), {"kind": "denylist", "label": "News"})
    assert LandingPage.objects.filter(slug="news-2").exists()


def test_a_copy_has_everything_but_the_life(admin_client: Client) -> None:
    page = made(brand_colour="#0a6640")
    LandingPageText.objects.create(page=page, language="en", title="Ours")
    publish(admin_client, page)
    answer = admin_client.post(url("duplicate", page.pk), {"label": "Second"})
    copy = LandingPage.objects.get(slug="second")
    assert answer.url == url("change", copy.pk)  # type: ignore[attr-defined]
    assert (copy.brand_colour, copy.status) == ("#0a6640", "draft")
    assert copy.texts.get().title == "Ours"


def test_a_copy_needs_a_slug_of_its_own(admin_client: Client) -> None:
    page = made(slug="stop")
    posted = {"label": "Other", "slug": "stop"}
    answer = admin_client.post(url("duplicate", page.pk), posted)
    assert "This one is free: stop-2." in _text(answer)


# ---------------------------------------------------------------- editing
@pytest.mark.parametrize("kind", LandingPage.Kind.values)
def test_saving_without_a_change_changes_nothing(
    kind: str, admin_client: Client
) -> None:
    page = made(kind)
    before = landing_pages.snapshot(page)
    assert save(admin_client, page).status_code == 302
    page = LandingPage.objects.get()
    assert landing_pages.snapshot(page) == before
    assert not page.texts.exists()


def test_everything_that_an_operator_may_change_is_saved(admin_client: Client) -> None:
    page = made("preferences")
    wanted = Service.objects.create(slug="s", label="S", channel="sms")
    answer = save(
        admin_client,
        page,
        label="Other",
        channels=["sms", "email"],
        services=[wanted.pk],
        extra_fields=["country"],
        needs_agreement="on",
        languages=["en", "nl"],
        first_language="nl",
        text_nl_title="Kies",
        text_nl_introduction="**Hallo**",
        brand_colour="#0a6640",
        opens_at="2030-01-02T10:00",
        closes_at="2030-02-02T10:00",
        closed_redirect="https://shop.example/later",
        allows_unidentified=None,
        reconciles_by="sms",
        stops_address="on",
    )
    assert answer.status_code == 302, errors_of(answer)
    page = LandingPage.objects.get()
    content = landing_pages.snapshot(page)
    assert page.label == "Other"
    assert content["channels"] == ["email", "sms"]
    assert [s["id"] for s in content["services"]] == [wanted.pk]
    assert content["extra_fields"] == ["country"]
    assert content["languages"] == ["nl", "en"]
    assert content["texts"]["nl"]["title"] == "Kies"
    assert "<strong>Hallo</strong>" in content["texts"]["nl"]["html"]["introduction"]
    assert content["texts"]["en"]["title"] == "Choose what you get"
    assert content["brand"]["brand_colour"] == "#0a6640"
    assert content["opens_at"].startswith("2030-01-02T10:00")
    assert content["closed_redirect"] == "https://shop.example/later"
    assert content["reconciles_by"] == "sms"
    assert (content["needs_agreement"], content["stops_address"]) == (True, True)
    assert not content["allows_unidentified"]


def test_a_text_that_is_emptied_is_the_built_in_one_again(
    admin_client: Client,
) -> None:
    page = made()
    save(admin_client, page, text_en_title="Mine")
    assert landing_pages.snapshot(page)["texts"]["en"]["title"] == "Mine"
    save(admin_client, page, text_en_title="")
    page = LandingPage.objects.get()
    built_in = landing_pages.built_in_texts(page.kind, "en")["title"]
    assert landing_pages.snapshot(page)["texts"]["en"]["title"] == built_in


def test_built_in_texts_are_the_placeholders(admin_client: Client) -> None:
    page = made("denylist")
    form = admin_client.get(url("change", page.pk)).context["adminform"].form
    built_in = landing_pages.built_in_texts("denylist", "nl")
    assert (
        form["text_nl_introduction"].field.widget.built_in == built_in["introduction"]
    )
    attrs = form["text_nl_button"].field.widget.attrs
    assert attrs["placeholder"] == built_in["button"]


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"languages": []}, "languages", "Tick at least one language."),
        (
            {"languages": ["en"], "first_language": "nl"},
            "first_language",
            "Tick this language too",
        ),
        (
            {"brand_colour": "#ffff00"},
            "text_on_brand",
            "Choose #1b1f24: its contrast is 15.4.",
        ),
        ({"brand_colour": "blue"}, "brand_colour", "# and six digits"),
        ({"closed_redirect": "shop"}, "closed_redirect", "valid URL"),
        (
            {
                "opens_at": "2030-01-02T10:00",
                "closes_at": "2030-01-01T10:00",
            },
            "closes_at",
            "It must close after it opens.",
        ),
        ({"opens_at": "soon"}, "opens_at", "valid date"),
        ({"channels": ["pigeon"]}, "channels", "pigeon"),
        ({"extra_fields": ["no_longer_contact"]}, "extra_fields", "no_longer_contact"),
        ({"text_en_title": "x" * 151}, "text_en_title", "at most 150"),
        ({"text_en_introduction": "x" * 20_001}, "text_en_introduction", "20000"),
    ],
)
def test_errors_of_the_draft_are_at_their_field(
    changed: dict[str, Any], field: str, said: str, admin_client: Client
) -> None:
    page = made()
    before = landing_pages.snapshot(page)
    answer = save(admin_client, page, **changed)
    assert answer.status_code == 200
    assert said in " ".join(errors_of(answer)[field])
    assert landing_pages.snapshot(LandingPage.objects.get()) == before


def test_work_of_two_operators_is_not_overwritten(admin_client: Client) -> None:
    page = made()
    mine = shown_values(admin_client, page)
    save(admin_client, page, text_en_title="Hers")
    answer = admin_client.post(url("change", page.pk), {**mine, "label": "Mine"})
    assert "Somebody else saved this page meanwhile" in _text(answer)
    assert LandingPage.objects.get().label != "Mine"
    assert LandingPageText.objects.get().title == "Hers"


def test_kind_and_slug_stay(admin_client: Client) -> None:
    page = made("denylist", slug="stop")
    save(admin_client, page, slug="other", kind="preferences")
    page.refresh_from_db()
    assert (page.slug, page.kind) == ("stop", "denylist")


def test_a_logo_is_uploaded_shown_and_taken_away(admin_client: Client) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    page = made()
    upload = SimpleUploadedFile("logo.png", picture(), "image/png")
    assert save(admin_client, page, logo_upload=upload).status_code == 302
    page.refresh_from_db()
    assert f"/p/logo/{page.logo_id}" in _text(admin_client.get(url("change", page.pk)))
    save(admin_client, page, remove_logo="on")
    page.refresh_from_db()
    assert page.logo is None


def test_markdown_is_shown_as_visitors_see_it(admin_client: Client) -> None:
    answer = admin_client.post(url("markdown"), {"text": "**now** <b>x</b>"})
    assert answer.content.decode().strip() == (
        "<p><strong>now</strong> &lt;b&gt;x&lt;/b&gt;</p>"
    )
    assert admin_client.get(url("markdown")).status_code == 405


# ---------------------------------------------------------------- preview
@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("link", "Unsubscribe"),
        ("anybody", "Enter your address"),
        ("late", "This page is closed"),
    ],
)
def test_the_preview_shows_the_page_to_each_visitor(
    who: str, said: str, admin_client: Client
) -> None:
    page = made("unsubscription")
    frame = admin_client.get(url("preview", page.pk), {"as": who}).context["frame_url"]
    answer = admin_client.get(frame)
    assert said in _text(answer)
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_the_preview_speaks_each_language_and_has_a_phone(
    admin_client: Client,
) -> None:
    page = made("denylist")
    query = {"lang": "nl", "width": "phone"}
    answer = admin_client.get(url("preview", page.pk), query)
    assert 'class="page-frame phone"' in _text(answer)
    shown = admin_client.get(answer.context["frame_url"])
    assert '<html lang="nl">' in _text(shown)


def test_a_test_with_a_profile_acts_and_changes_nothing(admin_client: Client) -> None:
    profile: Profile = ProfileFactory(email="ann@example.com", external_id="P1")
    page = made("denylist")
    query = {"as": "profile", "profile": "Ann@Example.com"}
    answer = admin_client.get(url("preview", page.pk), query)
    assert answer.context["tested"] == profile
    assert "Nothing is changed." in _text(answer)
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = admin_client.cookies
    shown = browser.post(answer.context["frame_url"], {"act": "1"})
    assert "get any messages from us" in _text(shown)
    assert "This is a test. Nothing will change." in _text(shown)
    profile.refresh_from_db()
    assert not profile.no_longer_contact
    assert not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Give the profile to test with"),
        ("nobody@example.com", "No profile has the id"),
        ("twin@example.com", "Several profiles have this address"),
        ("'\"<b>", "No profile has the id"),
    ],
)
def test_whoever_cannot_be_tested_with_is_said(
    text: str, said: str, admin_client: Client
) -> None:
    for _number in range(2):
        ProfileFactory(email="twin@example.com")
    page = made()
    query = {"as": "profile", "profile": text}
    answer = admin_client.get(url("preview", page.pk), query)
    assert said in _text(answer)
    assert not answer.context["frame_url"]


@pytest.mark.parametrize(
    "who", ["other", "profile", "profile-", "profile-x", "profile-99", "profile-²"]
)
def test_an_unknown_visitor_is_not_found(who: str, admin_client: Client) -> None:
    page = made()
    assert admin_client.get(url("shown", page.pk, who)).status_code == 404


# ---------------------------------------------------------------- the life of a page
def test_publishing_lists_what_changes_first(admin_client: Client) -> None:
    page = made()
    publish(admin_client, page)
    save(
        admin_client,
        page,
        text_en_title="New <title>",
        brand_colour="#0a6640",
        needs_agreement="on",
    )
    answer = admin_client.get(url("publish", page.pk))
    labels = [change.label for change in answer.context["changes"]]
    assert labels == ["Needs agreement", "Title (English)", "Colour of the button"]
    assert "New &lt;title&gt;" in _text(answer)
    assert LandingPageVersion.objects.count() == 1
    publish(admin_client, page)
    version = LandingPageVersion.objects.first()
    assert version is not None
    assert (version.number, version.published_by) == (2, "admin")
    entry = LogEntry.objects.filter(object_id=str(page.pk)).first()
    assert entry is not None
    assert "Version 2 is published" in console_log.in_words(entry)


def test_only_what_was_shown_is_published(admin_client: Client) -> None:
    page = made()
    seen = admin_client.get(url("publish", page.pk)).context["seen"]
    save(admin_client, page, text_en_title="Somebody else's")
    answer = admin_client.post(url("publish", page.pk), {"seen": seen})
    assert "The page was changed meanwhile" in _text(answer)
    assert not LandingPageVersion.objects.exists()


def test_a_page_that_lacks_something_cannot_be_published(
    admin_client: Client,
) -> None:
    page = made("denylist")
    LandingPage.objects.update(text_on_brand="#1a56a8")
    answer = publish(admin_client, page)
    assert "The page cannot be published yet" in _text(answer)
    assert "Colour of the text on the button: The contrast" in _text(answer)
    assert not LandingPageVersion.objects.exists()


def test_nothing_to_choose_is_pointed_out(admin_client: Client) -> None:
    page = made("preferences", channels=[])
    text = _text(admin_client.get(url("publish", page.pk)))
    assert "there is nothing to choose" in text


def test_unpublishing_asks_first(admin_client: Client) -> None:
    page = made("denylist")
    publish(admin_client, page)
    text = _text(admin_client.get(url("unpublish", page.pk)))
    assert "Personal links to it go on working" in text
    page.refresh_from_db()
    assert page.status == "published"
    admin_client.post(url("unpublish", page.pk))
    page.refresh_from_db()
    assert page.status == "unpublished"
    assert LandingPageVersion.objects.count() == 1


def test_deleting_says_that_versions_stay(admin_client: Client) -> None:
    page = made("denylist", slug="stop")
    publish(admin_client, page)
    text = _text(admin_client.get(url("delete", page.pk)))
    assert "1 published version stays" in text
    assert "The page is on the site now." in text
    assert admin_client.post(url("delete", page.pk), {"post": "yes"}).status_code == 302
    assert not LandingPage.objects.exists()
    version = LandingPageVersion.objects.get()
    one = reverse("admin:audiences_landingpageversion_change", args=[version.pk])
    assert "stop/1" in _text(admin_client.get(one))


@pytest.mark.parametrize(
    ("button", "name"), [("_preview", "preview"), ("_publish", "publish")]
)
def test_the_buttons_save_first(button: str, name: str, admin_client: Client) -> None:
    page = made()
    answer = save(admin_client, page, **{button: "1", "text_en_title": "Kept"})
    assert answer.url == url(name, page.pk)  # type: ignore[attr-defined]
    assert LandingPageText.objects.get().title == "Kept"


# ---------------------------------------------------------------- list and versions
def test_the_list_says_where_each_page_is(admin_client: Client) -> None:
    now = timezone.now()
    wanted = {"draft": made("denylist", "draft")}
    for name, facts in {
        "published": {},
        "scheduled": {"opens_at": now + timedelta(days=1)},
        "ended": {"closes_at": now - timedelta(days=1)},
        "unpublished": {},
    }.items():
        wanted[name] = made("denylist", name, **facts)
        landing_pages.publish(wanted[name])
    landing_pages.unpublish(wanted["unpublished"])
    for name, page in wanted.items():
        answer = admin_client.get(url("changelist"), {"status": name})
        assert list(answer.context["cl"].result_list) == [page]
        assert f"life-{name}" in _text(answer)
    assert "unpublished changes" not in _text(admin_client.get(url("changelist")))
    LandingPageText.objects.create(
        page=wanted["published"], language="en", title="Later"
    )
    assert "unpublished changes" in _text(admin_client.get(url("changelist")))


def test_a_version_is_shown_as_it_was_with_its_consent(admin_client: Client) -> None:
    page = made("denylist", slug="stop")
    save(admin_client, page, text_en_title="The old title")
    publish(admin_client, page)
    version = LandingPageVersion.objects.get()
    for number in range(2):
        profile = ProfileFactory(email=f"p{number}@example.com")
        origin = Origin(source="landing_page", wording_version="stop/1")
        consent.opt_out(profile, "any", origin)
    save(admin_client, page, text_en_title="The new title")
    publish(admin_client, page)
    one = reverse("admin:audiences_landingpageversion_change", args=[version.pk])
    answer = admin_client.get(one)
    assert "2 consent events refer to this version." in _text(answer)
    assert "The old title" in _text(answer)
    shown = admin_client.get(answer.context["frame_url"])
    assert "The old title" in _text(shown)
    events = admin_client.get(answer.context["events_url"])
    assert events.context["cl"].result_count == 2
    newer = LandingPageVersion.objects.get(number=2)
    one = reverse("admin:audiences_landingpageversion_change", args=[newer.pk])
    changes = admin_client.get(one).context["changes"]
    assert [(c.before.text, c.after.text) for c in changes] == [
        ("The old title", "The new title")
    ]
    assert admin_client.post(one, {"page_slug": "x"}).status_code == 403


def test_versions_are_found_by_the_name_in_the_consent_history(
    admin_client: Client,
) -> None:
    page = made("denylist", slug="stop")
    publish(admin_client, page)
    save(admin_client, page, text_en_title="New")
    publish(admin_client, page)
    versions = reverse("admin:audiences_landingpageversion_changelist")
    for text, count in {"stop": 2, "stop/2": 1, "stop/9": 0, "other": 0}.items():
        found = admin_client.get(versions, {"q": text})
        assert found.context["cl"].result_count == count, text


# ---------------------------------------------------------------- twins (P4)
@pytest.mark.parametrize(
    ("kind", "facts", "is_said"),
    [
        ("denylist", {}, True),
        ("preferences", {}, True),
        ("unsubscription", {}, True),
        ("denylist", {"stops_address": True}, False),
        ("acquisition", {}, False),
        ("subscription", {}, False),
    ],
)
def test_a_page_that_leaves_twins_says_so(
    kind: str, facts: dict[str, Any], is_said: bool, admin_client: Client
) -> None:
    for address in ("a@example.com", "a@example.com", "b@example.com"):
        ProfileFactory(email=address)
    page = made(kind, **facts)
    text = _text(admin_client.get(url("change", page.pk)))
    said = "1 address belongs to more than one profile." in text
    assert said is is_said


def test_without_shared_addresses_there_is_no_notice(admin_client: Client) -> None:
    ProfileFactory(email="a@example.com")
    for _number in range(2):  # nothing is sent to what is no address
        person = ProfileFactory()
        Address.objects.create(
            profile=person, channel="email", value="none", key="none", is_valid=False
        )
    page = made("denylist")
    assert not admin_client.get(url("change", page.pk)).context["twins"]


# ---------------------------------------------------------------- nothing is left out
@pytest.mark.parametrize("kind", LandingPage.Kind.values)
def test_every_setting_that_visitors_notice_is_in_the_list_of_changes(
    kind: str,
) -> None:
    """A setting that is added later must be shown before it is published."""
    page = made(kind)
    before = landing_pages.snapshot(page)
    shown = {*page_changes.offers(kind), *page_changes.access(kind)}
    shown |= {*page_changes.DATES, "languages", *before["brand"]}
    everything = {*before, *before["brand"]} - {"slug", "kind", "brand", "texts"}
    used_by_some = {
        name
        for other in LandingPage.Kind.values
        for name in (*page_changes.offers(other), *page_changes.access(other))
    }
    assert everything - shown <= used_by_some
    for field in page_changes.text_fields(kind):
        text = {**before["texts"]["en"], field: "Another"}
        after = {**before, "texts": {**before["texts"], "en": text}}
        assert [c.label.lower() for c in page_changes.changes(before, after)] == [
            f"{field} (english)"
        ]


def test_a_version_older_than_a_setting_is_still_shown(admin_client: Client) -> None:
    content = landing_pages.snapshot(made("acquisition"))
    del content["updates_profile"]
    version = LandingPageVersion.objects.create(
        page_slug="old", number=1, content=content, published_at=timezone.now()
    )
    one = reverse("admin:audiences_landingpageversion_change", args=[version.pk])
    assert "Everything it said" in _text(admin_client.get(one))
