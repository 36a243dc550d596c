"""Roles: what each gives, that operators' changes stay, and who is refused what."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from audiences import consent, roles
from audiences.consent import Origin
from audiences.models import BulkAct, OutboxMail, Profile, Role, SignupRequest
from audiences.roles import Code
from audiences.selections import bulk_acts
from delivery.feedback import intake
from delivery.models import AddressError, InboundItem, MessageEvent, QuarantineEntry

from .conftest import World, clerk, page_values

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
EVERYBODY = set(Code)
ADMINISTRATOR = Code.ADMINISTRATOR


def in_role(code: Code, name: str = "") -> Client:
    user = User.objects.create_user(name or f"{code}", is_staff=True)
    user.groups.add(Role.objects.get(code=code).group)
    client = Client()
    client.force_login(user)
    return client


def _names(group: Group) -> set[str]:
    return {
        f"{row.content_type.app_label}.{row.codename}"
        for row in group.permissions.select_related("content_type")
    }


# ------------------------------------------------------------------ in step
@pytest.mark.parametrize("code", Code)
def test_each_role_is_a_group_with_what_the_code_gives(code: Code) -> None:
    group = Role.objects.get(code=code).group
    assert group is not None
    assert group.name == str(code.label)
    assert _names(group) == roles.granted()[code]


def test_every_permission_that_is_granted_exists() -> None:
    known = {
        f"{row.content_type.app_label}.{row.codename}"
        for row in Permission.objects.select_related("content_type")
    }
    assert set().union(*roles.granted().values()) <= known


def test_what_an_operator_changed_stays_after_a_migration() -> None:
    group = Group.objects.get(name="Operator")
    taken = Permission.objects.get(codename="opt_in_profile")
    given = Permission.objects.get(codename="erase_profile")
    group.permissions.remove(taken)
    group.permissions.add(given)
    Group.objects.filter(pk=group.pk).update(name="Our desk")
    Group.objects.get(name="Publisher").delete()
    roles.keep_in_step()
    group.refresh_from_db()
    assert group.name == "Our desk"
    assert taken not in group.permissions.all()
    assert given in group.permissions.all()
    assert not Group.objects.filter(name__in=("Operator", "Publisher")).exists()


@pytest.fixture
def new_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next version gives viewers one permission more and another one less."""
    grants = {code: set(names) for code, names in roles.granted().items()}
    grants[Code.VIEWER] -= {"audiences.view_service"}
    grants[Code.VIEWER] |= {"audiences.export_profile"}
    monkeypatch.setattr(roles, "_grants", grants)


def test_a_new_version_gives_and_takes_only_what_is_new(new_version: None) -> None:
    group = Group.objects.get(name="Viewer")
    group.permissions.remove(Permission.objects.get(codename="view_audience"))
    roles.keep_in_step()
    names = _names(group)
    assert "audiences.export_profile" in names
    assert not names & {"audiences.view_service", "audiences.view_audience"}


# ------------------------------------------------------------------ who may what
PAGES = {
    # name of the page: who may open it
    "audiences_profile_changelist": EVERYBODY,
    "audiences_profile_add": {Code.OPERATOR, ADMINISTRATOR},
    "audiences_consentevent_changelist": EVERYBODY,
    "audiences_consentevidence_changelist": {Code.PROTECTION_OFFICER},
    "audiences_service_add": {Code.PUBLISHER, ADMINISTRATOR},
    "audiences_landingpage_add": {Code.PUBLISHER, ADMINISTRATOR},
    "audiences_audience_add": {Code.DELIVERY_MANAGER, ADMINISTRATOR},
    "delivery_delivery_changelist": EVERYBODY,
    "delivery_delivery_add": {Code.DELIVERY_MANAGER, ADMINISTRATOR},
    "delivery_quarantineentry_changelist": EVERYBODY,
    "delivery_quarantineentry_add": {
        *(Code.OPERATOR, Code.PROTECTION_OFFICER, ADMINISTRATOR)
    },
    "auth_user_changelist": {ADMINISTRATOR},
    "auth_group_changelist": {ADMINISTRATOR},
    "axes_accessattempt_changelist": {ADMINISTRATOR},
}
PAGES["audiences_consentevidence_changelist"] |= {ADMINISTRATOR}


@pytest.mark.parametrize("code", Code)
def test_pages_open_for_those_whose_role_has_them(code: Code, world: World) -> None:
    client = in_role(code)
    menu = client.get(reverse("admin:index")).content.decode()
    for name, allowed in PAGES.items():
        url = reverse(f"admin:{name}")
        expected = 200 if code in allowed else 403
        assert client.get(url).status_code == expected, name
        if name.endswith("_changelist") and name in ("auth_user_changelist",):
            assert (url in menu) is (code in allowed)
    assert client.post(reverse("admin:refresh_figures")).status_code == 302


def _posts(world: World) -> dict[str, tuple[str, dict[str, str], set[Code]]]:
    """Changes that are refused with 403: what, where, with what, and who may."""
    profile, delivery = world.people[1], world.prepared
    address = profile.addresses.get(channel="email")

    def of_profile(name: str) -> str:
        return reverse(f"admin:audiences_profile_{name}", args=[profile.pk])

    page = reverse("admin:audiences_landingpage_publish", args=[world.page.pk])
    outcomes = reverse("admin:delivery_delivery_outcomes_csv", args=[delivery.pk])
    entry = reverse("admin:delivery_quarantineentry_delete", args=[world.entry.pk])
    user = reverse("admin:auth_user_add")
    desk = {Code.OPERATOR, ADMINISTRATOR}
    exporters = {Code.DELIVERY_MANAGER, Code.PROTECTION_OFFICER, ADMINISTRATOR}
    return {
        "primary": (
            of_profile("addresses_primary"),
            {"address": str(address.pk)},
            desk,
        ),
        "subscribe": (of_profile("subscribe"), {"service": world.service.slug}, desk),
        "publish": (page, {}, {Code.PUBLISHER, ADMINISTRATOR}),
        "csv": (outcomes, {}, exporters),
        "release": (entry, {"post": "yes"}, desk),
        "user": (user, {"username": "eve"}, {ADMINISTRATOR}),
    }


@pytest.mark.parametrize("code", Code)
def test_changes_are_refused_to_those_whose_role_has_them_not(
    code: Code, world: World
) -> None:
    client = in_role(code)
    for name, (url, data, allowed) in _posts(world).items():
        status = client.post(url, data).status_code
        assert (status != 403) is (code in allowed), (name, status)
    assert QuarantineEntry.objects.filter(pk=world.entry.pk).exists() is (
        code not in {Code.OPERATOR, ADMINISTRATOR}
    )


@pytest.mark.parametrize("code", Code)
def test_flags_change_only_by_whose_role_opts_in_or_out(
    code: Code, world: World
) -> None:
    client, profile = in_role(code), world.people[1]
    url = reverse("admin:audiences_profile_change", args=[profile.pk])
    client.post(url, page_values(profile, no_longer_contact_sms="on"))
    profile.refresh_from_db()
    may = {Code.OPERATOR, Code.PROTECTION_OFFICER, ADMINISTRATOR}
    assert profile.no_longer_contact_sms is (code in may)


def test_who_may_only_opt_out_changes_nothing_else(world: World) -> None:
    client, profile = in_role(Code.PROTECTION_OFFICER), world.people[1]
    url = reverse("admin:audiences_profile_change", args=[profile.pk])
    page = client.get(url).content.decode()
    assert 'name="no_longer_contact_sms"' in page
    assert 'name="last_name"' not in page
    assert reverse("admin:audiences_profile_addresses_add", args=[profile.pk]) not in (
        page
    )
    values = {"last_name": "Other", "no_longer_contact_any": "on"}
    client.post(url, page_values(profile, **values))
    assert Profile.objects.get(pk=profile.pk).last_name == profile.last_name


def test_who_may_edit_people_but_not_opt_in_is_told_so(world: World) -> None:
    user = User.objects.create_user("half", is_staff=True)
    codes = ("view_profile", "change_profile", "opt_out_profile")
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    profile = world.people[1]
    url = reverse("admin:audiences_profile_change", args=[profile.pk])
    assert (
        client.post(url, page_values(profile, no_longer_contact_email="on")).status_code
        == 302
    )
    profile = Profile.objects.get(pk=profile.pk)
    values = page_values(profile, no_longer_contact_email="", note="asked by phone")
    answer = client.post(url, values)
    assert "You may not opt people in." in answer.content.decode()
    assert Profile.objects.get(pk=profile.pk).no_longer_contact_email


def test_nobody_makes_a_superuser_but_a_superuser(world: World) -> None:
    root = User.objects.create_superuser("root", password="secret")
    client = in_role(ADMINISTRATOR)
    own = User.objects.get(username=ADMINISTRATOR.value)
    page = reverse("admin:auth_user_change", args=[own.pk])
    values = {
        "username": own.username,
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    assert client.post(page, values).status_code == 302
    own.refresh_from_db()
    assert not own.is_superuser
    of_root = [
        reverse("admin:auth_user_change", args=[root.pk]),
        reverse("admin:auth_user_password_change", args=[root.pk]),
        reverse("admin:auth_user_delete", args=[root.pk]),
    ]
    for url in of_root:
        assert client.post(url, values).status_code == 403


# ------------------------------------------------------------------ masked addresses
def _pages_with_addresses(world: World) -> list[str]:
    profile, entry = world.people[0], world.entry
    named = "asked by anna.vos@example.com or +31612345678"
    raw = b"From: <anna.vos@example.com>\nTo: x@shop.example\n\nhello"
    item = intake.process(intake.receive("mail", raw)[0])
    held = intake.receive("sms", b"?", channel="sms")[0]
    findings = intake.Findings(
        otherwise=InboundItem.State.HELD,
        note=named,
        mentions=(("sms", "+31612345678"),),
    )
    intake.settle(held, findings)
    told = consent.opt_out(profile, "fax", Origin(source="operator", note=named))
    act = bulk_acts.begin(
        "unsubscribe",
        {"q": "anna.vos@example.com"},
        actor="eva",
        note=named,
        details={"service": "news"},
    )
    names: list[tuple[str, list[int]]] = [
        *(
            (f"{name}_changelist", [])
            for name in (
                *("audiences_profile", "audiences_address", "delivery_message"),
                *("delivery_quarantineentry", "delivery_addresserror"),
                *("delivery_quarantineaction", "delivery_inbounditem"),
                *("delivery_messageevent", "audiences_consentevent"),
                *("audiences_outboxmail", "audiences_signuprequest"),
            )
        ),
        ("audiences_profile_change", [profile.pk]),
        ("audiences_profile_history", [profile.pk]),
        ("audiences_address_change", [profile.addresses.all()[0].pk]),
        ("delivery_quarantineentry_change", [entry.pk]),
        ("delivery_quarantineentry_history", [entry.pk]),
        ("delivery_delivery_outcomes", [world.prepared.pk]),
        ("delivery_delivery_why", [world.prepared.pk, profile.pk]),
        ("delivery_message_change", [world.sent.messages.all()[0].pk]),
        *(
            (f"delivery_inbounditem_{page}", [row.pk])
            for page in ("change", "history")
            for row in (item, held)
        ),
        ("delivery_messageevent_change", [MessageEvent.objects.all()[0].pk]),
        ("delivery_addresserror_change", [AddressError.objects.all()[0].pk]),
        ("audiences_consentevent_change", [told.event_id]),
        ("audiences_outboxmail_change", [OutboxMail.objects.all()[0].pk]),
        ("audiences_signuprequest_change", [SignupRequest.objects.all()[0].pk]),
        ("audiences_bulkact_change", [act.pk]),
    ]
    return [reverse(f"admin:{name}", args=args) for name, args in names]


def _whole_addresses(world: World) -> set[str]:
    own = {
        text
        for profile in Profile.objects.prefetch_related("addresses")
        for address in profile.addresses.all()
        for text in (address.value, address.key)
    }
    return own | {entry.key for entry in QuarantineEntry.objects.all()}


@pytest.mark.parametrize("code", [Code.VIEWER, Code.PUBLISHER, Code.OPERATOR])
def test_addresses_are_masked_for_those_who_may_not_see_them(
    code: Code, world: World
) -> None:
    client, whole, seen = in_role(code), _whole_addresses(world), 0
    for url in _pages_with_addresses(world):
        answer = client.get(url)
        if "/bulkact/" in url and code != Code.OPERATOR:
            assert answer.status_code == 403
            continue
        assert answer.status_code == 200, url
        text = answer.content.decode()
        shown = {address for address in whole if address in text}
        seen += len(shown)
        if code != Code.OPERATOR:
            assert not shown, url
    assert (seen > 0) is (code == Code.OPERATOR)


def test_a_bulk_change_gives_no_address_away(world: World) -> None:
    """Who may see what was done for many, and no addresses, is led back to the list."""
    _pages_with_addresses(world)
    act = BulkAct.objects.latest("pk")
    for may_see in (True, False):
        codes = ["view_bulkact", *(["see_addresses"] if may_see else [])]
        client = clerk(f"clerk-{may_see}", *codes)
        url = reverse("admin:audiences_bulkact_change", args=[act.pk])
        text = client.get(url).content.decode()
        for whole in ("anna.vos@example.com", "anna.vos%40example.com", "31612345678"):
            assert (whole in text) is may_see, whole


def test_nobody_decides_about_what_they_may_not_read(world: World) -> None:
    client = clerk("desk", "view_inbounditem", "change_inbounditem")
    item = InboundItem.objects.filter(state__in=InboundItem.WAITING)[0]
    url = reverse("admin:delivery_inbounditem_ignore", args=[item.pk])
    assert client.post(url, {"note": "spam"}).status_code == 403
    seer = clerk("seer", "view_inbounditem", "change_inbounditem", "see_addresses")
    assert seer.post(url, {"note": "spam"}).status_code == 302


def test_a_viewer_still_finds_by_a_whole_address(world: World) -> None:
    client, entry = in_role(Code.VIEWER), world.entry
    url = reverse("admin:delivery_quarantineentry_changelist")
    found = client.get(url, {"q": entry.key}).context["cl"].result_list
    assert list(found) == [entry]


def test_what_is_shown_masked_cannot_be_changed(world: World) -> None:
    user = User.objects.create_user("blind", is_staff=True)
    codes = ("view_quarantineentry", "change_quarantineentry")
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    url = reverse("admin:delivery_quarantineentry_change", args=[world.entry.pk])
    assert (
        client.post(url, {"status": "valid", "reason": "operator"}).status_code == 403
    )


def test_a_delivery_for_opted_out_people_is_only_for_who_may_skip_the_denylist() -> (
    None
):
    may = {
        code
        for code, names in roles.granted().items()
        if "delivery.skip_denylist" in names
    }
    assert may == {ADMINISTRATOR}


def test_password_is_reset_only_where_the_user_may_be_changed() -> None:
    """An administrator sees a superuser, and is not offered what is refused."""
    client = in_role(ADMINISTRATOR)
    for is_root in (False, True):
        user = User.objects.create_user(
            f"root {is_root}", password="a password", is_superuser=is_root
        )
        url = reverse("admin:auth_user_change", args=[user.pk])
        offered = "/password/" in client.get(url).content.decode()
        reset = reverse("admin:auth_user_password_change", args=[user.pk])
        assert offered is not is_root
        assert (client.get(reset).status_code == 403) is is_root
