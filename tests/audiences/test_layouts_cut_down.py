"""Exports of other systems from which somebody has cut columns: what still says no."""

from pathlib import Path

import pytest

from audiences.models import Profile
from delivery.models import QuarantineEntry

from .test_layouts import run

pytestmark = pytest.mark.django_db
# The header with a % for the column; what it says of a@, and what of b@.
MAUTIC = "email,firstname,dateIdentified,%\n"
OUT = [
    (MAUTIC, "dnc_reason", "unsubscribed", "contactable"),
    (MAUTIC, "dnc_reason", "3", "0"),
    (MAUTIC, "DNC reason", "asked on the phone", ""),
    (MAUTIC, "dnc_channel", "email", ""),
    ("Email Address,LEID,EUID,%\n", "UNSUB_REASON", "NORMAL", ""),
    ("Email Address,LEID,EUID,%\n", "UNSUB_CAMPAIGN_ID", "a1b2", ""),
]
FAILS = [
    (MAUTIC, "dnc_reason", "bounced", "contactable"),
    ("Email Address,LEID,EUID,%\n", "CLEAN_CAMPAIGN_ID", "a1b2", ""),
    ("Email,HasOptedOutOfEmail,Id,%\n", "IsEmailBounced", "true", "false"),
    ("Email,Email Opt Out,Contact ID,%\n", "Is Email Bounced", "1", "0"),
    ("Email,Record ID,Lifecycle Stage,%\n", "Email Address Quarantined", "TRUE", ""),
    ("email,hs_email_optout,hs_object_id,%\n", "hs_email_quarantined", "true", ""),
    (
        "Email,Record ID,Lifecycle Stage,%\n",
        "Email address quarantine reason",
        "Suspicious",
        "",
    ),
]


def _imported(folder: Path, header: str, column: str, yes: str, no: str) -> None:
    blank = "," * (header.count(",") - 1)
    rows = f"a@x.example{blank},{yes}\nb@x.example{blank},{no}\n"
    run(folder, header.replace("%", column) + rows)


@pytest.mark.parametrize(("header", "column", "yes", "no"), OUT)
def test_what_is_left_of_an_export_opts_out(
    tmp_path: Path, header: str, column: str, yes: str, no: str
) -> None:
    _imported(tmp_path, header, column, yes, no)
    out = Profile.objects.order_by("pk").values_list("no_longer_contact_email")
    assert [flag for (flag,) in out] == [True, False]
    assert not QuarantineEntry.objects.exists()


@pytest.mark.parametrize(("header", "column", "yes", "no"), FAILS)
def test_what_is_left_of_an_export_suppresses(
    tmp_path: Path, header: str, column: str, yes: str, no: str
) -> None:
    _imported(tmp_path, header, column, yes, no)
    assert [entry.key for entry in QuarantineEntry.objects.all()] == ["a@x.example"]
    assert Profile.objects.count() == 2
