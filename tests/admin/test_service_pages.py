"""The pages of a service: list, form with its messages, report, preview."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audiences import landing_pages, subscriptions
from audiences.models import Profile, Service
from tests.factories import BY_COMMAND, ProfileFactory, many_profiles

from .conftest import clerk
from .elements import marked

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    made = subscriptions.create_service("news", label="News", channel="email")
    subscriptions.subscribe(ProfileFactory(), made, BY_COMMAND)
    return made


def url(name: str, service: Service) -> str:
    return reverse(f"admin:audiences_service_{name}", args=[service.pk])


def values(**changed: str) -> dict[str, str]:
    return {
        "label": "News",
        "request_message": "default",
        "subscribed_message": "none",
        "unsubscribed_message": "none",
        "on_preference_page": "on",
        **changed,
    }


def errors(answer: Any) -> str:
    return " ".join(re.findall(r"errorlist[^>]*>(.*?)</ul>", answer.content.decode()))


def test_texts_and_messages_are_kept_by_language(
    service: Service, admin_client: Client
) -> None:
    answer = admin_client.post(
        url("change", service),
        values(
            double_opt_in="on",
            validity_days="30",
            label_nl="Nieuws",
            subscribed_message="custom",
            subscribed_subject_nl="Welkom bij {{ service.label }}",
            subscribed_text_nl="Dag {{ profile.first_name }}",
        ),
    )
    assert answer.status_code == 302, errors(answer)
    service.refresh_from_db()
    assert (service.double_opt_in, service.validity_days) == (True, 30)
    assert service.texts == {"nl": {"label": "Nieuws", "description": ""}}
    assert service.messages == {
        "subscribed": {
            "nl": {
                "subject": "Welkom bij {{ service.label }}",
                "text": "Dag {{ profile.first_name }}",
            }
        }
    }
    assert service.label_in("nl") == "Nieuws"
    assert service.label_in("en") == "News"
    shown = admin_client.get(url("change", service)).content.decode()
    assert "Welkom bij {{ service.label }}" in shown


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"subscribed_text_en": "{{ profile.email }}"}, "no {{ profile.email }}"),
        ({"subscribed_subject_en": "Hello"}, "has a subject and no text"),
        ({"subscribed_text_en": "Hello"}, "needs a subject"),
        ({"subscribed_message": "custom"}, "in at least one language"),
        ({"request_subject_en": "a", "request_text_en": "b"}, "nobody can confirm"),
        ({"unsubscribed_text_nl": "{{ link }}"}, "no {{ link }}"),
    ],
)
def test_a_mistake_in_a_message_is_found_when_saving(
    service: Service, admin_client: Client, changed: dict[str, str], said: str
) -> None:
    answer = admin_client.post(url("change", service), values(**changed))
    assert answer.status_code == 200
    assert said in errors(answer)
    service.refresh_from_db()
    assert service.messages == {}


def test_a_page_of_another_service_is_refused(
    service: Service, admin_client: Client
) -> None:
    other = subscriptions.create_service("other", label="Other", channel="email")
    page = landing_pages.create("join", kind="subscription", service=other)
    answer = admin_client.post(
        url("change", service), values(subscription_page=str(page.pk))
    )
    assert "about another service" in errors(answer)


def test_a_service_is_made_with_the_form(admin_client: Client) -> None:
    answer = admin_client.post(
        reverse("admin:audiences_service_add"),
        values(slug="alert", label="Alert", channel="sms", is_closed="on"),
    )
    assert answer.status_code == 302, errors(answer)
    made = Service.objects.get(slug="alert")
    assert (made.is_closed, made.on_preference_page) == (True, True)


def test_the_preview_shows_what_was_typed_and_keeps_nothing(
    service: Service, admin_client: Client
) -> None:
    before = Service.objects.filter(pk=service.pk).values().get()
    answer = admin_client.post(
        url("preview", service),
        values(
            subscribed_message="custom",
            subscribed_subject_en="Hi {{ profile.first_name }}",
            subscribed_text_en="**Bold** {{ nothing }} <script>alert(1)</script>",
        ),
    )
    page = answer.content.decode()
    assert "Hi Anna" in page
    assert "<strong>Bold</strong>" in page
    assert "There is no {{ nothing }}" in page
    assert "<script>alert(1)" not in page
    assert Service.objects.filter(pk=service.pk).values().get() == before
    assert admin_client.get(url("preview", service)).status_code == 200


@pytest.mark.parametrize("query", ["", "?by=week", "?by=month&source=command", "?by=x"])
def test_the_report_has_the_numbers_beside_the_chart(
    service: Service, admin_client: Client, query: str
) -> None:
    page = admin_client.get(url("report", service) + query).content.decode()
    assert "1 subscribed" in page
    assert "+1" in page
    assert "Command line" in page
    assert 'class="evolution"' in page
    assert not re.search(r"<[^>]+\sstyle=|<script(?![^>]+src=)[^>]*>[^<]", _main(page))


def _main(page: str) -> str:
    return page[page.index('id="content-main"') :]


def test_the_report_of_a_quiet_service_says_so(admin_client: Client) -> None:
    made = subscriptions.create_service("quiet", label="Quiet", channel="email")
    page = admin_client.get(url("report", made)).content.decode()
    assert "nobody" in marked(page, "state")
    assert 'class="evolution"' not in page


@pytest.mark.parametrize(
    ("codes", "status"), [(("view_service",), 200), (("view_profile",), 403)]
)
@pytest.mark.parametrize("name", ["report", "preview"])
def test_whoever_may_see_services_sees_their_pages(
    service: Service, name: str, codes: tuple[str, ...], status: int
) -> None:
    user = clerk("kim", *codes)
    assert user.get(url(name, service)).status_code == status
    if status == 200:
        shown = user.get(url("change", service))
        assert shown.status_code == 200
        assert b"Preview the messages" not in shown.content


def test_counts_take_a_fixed_number_of_queries(
    service: Service, admin_client: Client
) -> None:
    def queries() -> int:
        found = 0
        for address in (
            reverse("admin:audiences_service_changelist"),
            url("report", service),
        ):
            with CaptureQueriesContext(connection) as captured:
                assert admin_client.get(address).status_code == 200
            found += len(captured)
        return found

    before = queries()
    more = subscriptions.create_service("more", label="More", channel="email")
    many_profiles(20)
    for each in (service, more):
        subscriptions.subscribe_all(Profile.objects.all(), each, BY_COMMAND)
    assert queries() == before
    page = admin_client.get(reverse("admin:audiences_service_changelist"))
    assert b">21<" in page.content


def test_an_operator_who_revives_without_a_note_is_told(
    service: Service, admin_client: Client
) -> None:
    profile = ProfileFactory()
    subscriptions.subscribe(profile, service, BY_COMMAND)
    subscriptions.unsubscribe(profile, service, BY_COMMAND)
    address = reverse("admin:audiences_profile_subscribe", args=[profile.pk])
    told = admin_client.post(address, {"service": service.pk, "note": ""})
    assert "needs a note" in told.content.decode()
    done = admin_client.post(address, {"service": service.pk, "note": "by phone"})
    assert done.status_code == 302


def test_what_was_made_opens_and_says_what_comes_next(admin_client: Client) -> None:
    """Of services, and of audiences; whoever wants another one gets its form."""
    made = {
        "service": values(slug="weekly", label="Weekly", channel="email"),
        "audience": {"name": "All of them", "kind": "everyone"},
    }
    for model, posted in made.items():
        url = reverse(f"admin:audiences_{model}_add")
        answer = admin_client.post(url, posted | {"_save": "1"}, follow=True)
        row = answer.context["original"]
        (said,) = map(str, answer.context["messages"])
        assert str(row) in said
        next_one = {
            "service": reverse("admin:audiences_landingpage_add"),
            "audience": f"{reverse('admin:delivery_delivery_add')}?audience={row.pk}",
        }
        assert next_one[model] in said
    listed = admin_client.post(
        reverse("admin:audiences_audience_add"),
        {"name": "Another", "kind": "everyone", "_addanother": "1"},
    )
    assert listed["Location"] == reverse("admin:audiences_audience_add")
