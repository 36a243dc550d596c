"""What the protection officer does in the console, and what others may not."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audiences.models import ErasureRun, PrivacyRequest, Profile, RetentionRule
from audiences.privacy import requests
from audiences.roles import Code
from tests.admin.test_roles import in_role
from tests.factories import many_profiles
from tests.people import person

pytestmark = pytest.mark.django_db


def _url(name: str, *args: int) -> str:
    return reverse(f"admin:audiences_{name}", args=args)


def test_a_request_is_recorded_shown_as_overdue_and_decided() -> None:
    officer = in_role(Code.PROTECTION_OFFICER)
    ann = person(first_name="Ann", last_name="Ax", email="ann@shop.example")
    page = _url("profile_privacy_request", ann.pk)
    future = timezone.now() + timedelta(days=2)
    refused = officer.post(
        page, {"kind": "access", "received_at": f"{future:%F %H:%M}"}
    )
    assert "in the future" in refused.content.decode()
    officer.post(
        page, {"kind": "access", "received_at": "2026-01-31 12:00", "text": "all of it"}
    )
    asked = PrivacyRequest.objects.get()
    assert f"{asked.due_on}" == "2026-02-28"
    home = officer.get(reverse("admin:index")).content.decode()
    assert "1 privacy request is overdue" in home
    queue = officer.get(_url("privacyrequest_changelist")).content.decode()
    assert 'class="mark bad"' in queue
    own = _url("privacyrequest_change", asked.pk)
    assert "It is overdue" in officer.get(own).content.decode()
    decide = _url("privacyrequest_decide", asked.pk)
    said = officer.post(decide, {"act": "refuse"}, follow=True).content.decode()
    assert "Say why it is refused" in said
    officer.post(decide, {"act": "grant", "note": "here it is"})
    asked.refresh_from_db()
    assert (asked.state, asked.note) == ("done", "here it is")
    assert "about to leave" in officer.get(own).content.decode()


def test_a_restriction_is_lifted_with_a_note() -> None:
    officer = in_role(Code.PROTECTION_OFFICER)
    asked = requests.record(person(first_name="Ann"), "restriction", actor="eva")
    decide = _url("privacyrequest_decide", asked.pk)
    officer.post(decide, {"act": "grant"})
    page = officer.get(_url("privacyrequest_change", asked.pk)).content.decode()
    assert "Lift the restriction" in page
    officer.post(decide, {"act": "lift", "note": "verified"})
    asked.refresh_from_db()
    assert asked.state == "done"


def test_all_data_is_taken_away_on_the_record() -> None:
    officer = in_role(Code.PROTECTION_OFFICER)
    ann = person(first_name="Ann", email="ann@shop.example")
    answer = officer.post(_url("profile_access", ann.pk))
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert names == ["your-data.html", "your-data.json"]
    assert LogEntry.objects.filter(object_id=str(ann.pk)).count() == 1


def test_one_person_is_erased_after_a_look_at_what_goes() -> None:
    officer = in_role(Code.PROTECTION_OFFICER)
    ann = person(first_name="Annabel", email="ann@shop.example")
    page = _url("profile_erase", ann.pk)
    shown = officer.get(page).content.decode()
    assert "Addresses: 1" in shown
    assert "Which consent was given" in shown
    officer.post(page, {"reason": "own_wish", "note": "by letter"})
    assert Profile.objects.exists()  # the box was not ticked
    officer.post(page, {"reason": "own_wish", "note": "by letter", "sure": "on"})
    assert not Profile.objects.exists()
    assert LogEntry.objects.get(object_repr=f"#{ann.pk}").change_message == "Erased."


def test_eleven_people_need_a_second_person() -> None:
    officer = in_role(Code.PROTECTION_OFFICER)
    ids = [p.pk for p in many_profiles(11)] or []
    ids = list(Profile.objects.values_list("pk", flat=True))
    asked = {"action": "erase", "_selected_action": ids}
    page = officer.post(_url("profile_changelist"), asked)["Location"]
    assert "only once another person" in officer.get(page).content.decode()
    given = {"reason": "retention", "note": "closed", "sure": "on"}
    officer.post(page, given)
    run = ErasureRun.objects.get()
    own = officer.get(_url("erasurerun_change", run.pk)).content.decode()
    assert "another person who may erase" in own
    officer.post(_url("erasurerun_confirm", run.pk))
    run.refresh_from_db()
    assert run.state == "asked"
    second = Client()
    second.force_login(User.objects.create_superuser("second"))
    home = second.get(reverse("admin:index")).content.decode()
    assert "1 erasure of many people waits" in home
    second.post(_url("erasurerun_confirm", run.pk))
    run.refresh_from_db()
    assert (run.state, run.confirmed_by) == ("waiting", "second")
    second.post(_url("erasurerun_stop", run.pk))
    run.refresh_from_db()
    assert run.state == "stopped"


def test_a_rule_is_set_by_one_and_confirmed_by_another() -> None:
    officer = in_role(Code.PROTECTION_OFFICER)
    given = {"code": "inactive", "inactive-months": "12"}
    officer.post(_url("retentionrule_set"), given)
    officer.post(_url("retentionrule_confirm"), {"code": "inactive", "months": "12"})
    rule = RetentionRule.objects.get()
    assert (rule.months, rule.confirmed_by) == (12, "")
    shown = officer.get(_url("retentionrule_changelist")).content.decode()
    assert "would erase 0 people" in shown
    second = Client()
    second.force_login(User.objects.create_superuser("second"))
    second.post(_url("retentionrule_confirm"), {"code": "inactive", "months": "12"})
    rule.refresh_from_db()
    assert rule.confirmed_by == "second"
    for wrong in (
        {"code": "none", "none-months": "1"},
        {"code": "inactive", "inactive-months": "x"},
    ):
        officer.post(_url("retentionrule_set"), wrong)
    rule.refresh_from_db()
    assert rule.confirmed_by == "second"
