"""Exports of nine systems, rebuilt from their makers' manuals: who has opted out of what.

The makers' words for it are in the docstrings of `audiences/imports/layouts/`.
"""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audiences.channels import FLAGS
from audiences.imports import layouts
from audiences.models import Address, Profile
from delivery.models import QuarantineEntry

pytestmark = pytest.mark.django_db

MAILCHIMP = (
    "Email Address,First Name,Last Name,Address,Phone Number,Birthday,MEMBER_RATING,"
    "OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,"
    "TIMEZONE,CC,REGION,{more},LEID,EUID,NOTES,TAGS\n"
)
MAILCHIMP_ROW = "{email},Jan,Vos,,,,2,2019-02-03 10:11:12,,,,,,,,,,,{more},1,abc,,\n"
SALESFORCE_API = (
    "Id,FirstName,LastName,Email,Phone,MobilePhone,Fax,HasOptedOutOfEmail,DoNotCall,"
    "HasOptedOutOfFax,EmailBouncedReason,EmailBouncedDate,MailingCountry\n"
)
NOBODY: set[str] = set()

# A name; the file; what a@, b@ and c@ have opted out of; whose address fails.
CASES: list[tuple[str, str, list[set[str]], set[str]]] = [
    (
        "Mailchimp",
        MAILCHIMP.format(more="LAST_CHANGED")
        + "".join(MAILCHIMP_ROW.format(email=f"{n}@x.example", more="") for n in "ab"),
        [NOBODY, NOBODY],
        set(),
    ),
    (
        "Mailchimp (unsubscribed)",
        MAILCHIMP.format(
            more="UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,"
            "UNSUB_REASON_OTHER"
        )
        + MAILCHIMP_ROW.format(
            email="a@x.example", more="2023-05-06 07:08:09,Spring,77,NORMAL,"
        )
        + MAILCHIMP_ROW.format(email="b@x.example", more=",,,,"),
        [{"email"}, {"email"}],
        set(),
    ),
    (
        "Mailchimp (cleaned)",
        MAILCHIMP.format(more="CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID")
        + MAILCHIMP_ROW.format(email="a@x.example", more="2023-05-06 07:08:09,S,7"),
        [NOBODY],
        {"a@x.example"},
    ),
    (
        "HubSpot",
        "Record ID,First Name,Last Name,Email,Phone Number,Lifecycle Stage,"
        "Unsubscribed from all email,Opted out of email: Marketing Information,"
        "Opted out of email: One to One,Email hard bounce reason,"
        "Marketing contact status,Marketing emails delivered,Favourite colour\n"
        "1,A,A,a@x.example,,lead,true,,,,Marketing contact,3,red\n"
        "2,B,B,b@x.example,,lead,,true,false,,Marketing contact,3,\n"
        "3,C,C,c@x.example,,lead,false,false,,UNKNOWN_USER,,0,\n",
        [{"email"}, {"email"}, NOBODY],
        {"c@x.example"},
    ),
    (
        "HubSpot",
        "hs_object_id,email,firstname,lastname,hs_email_optout,hs_email_optout_173,"
        "hs_email_hard_bounce_reason_enum\n"
        "1,a@x.example,A,A,true,,\n2,b@x.example,B,B,,true,\n3,c@x.example,C,C,,,\n",
        [{"email"}, {"email"}, NOBODY],
        set(),
    ),
    (
        "HubSpot (unsubscribes)",
        "Email,Portal Bounce,Portal Unsubscribe,Portal Spam Report,Global Bounce\n"
        "a@x.example,FALSE,TRUE,FALSE,FALSE\nb@x.example,FALSE,FALSE,TRUE,FALSE\n"
        "c@x.example,UNKNOWN_USER,FALSE,FALSE,TRUE\n",
        [{"email"}, {"email"}, NOBODY],
        {"c@x.example"},
    ),
    (
        "Salesforce (report)",
        '"Contact ID","First Name","Last Name","Email","Phone","Email Opt Out",'
        '"Do Not Call","Fax Opt Out","Email Bounced Date","Account Name"\n'
        '"003A","A","A","a@x.example","","1","0","0","","Acme"\n'
        '"003B","B","B","b@x.example","","0","1","1","2024-05-06",""\n'
        '"Confidential Information - Do Not Distribute"\n',
        [{"email"}, {"phone", "fax"}],
        {"b@x.example"},
    ),
    (
        "Salesforce (API)",
        SALESFORCE_API
        + "003A,A,A,a@x.example,,,,true,false,false,,,NL\n"
        + "003B,B,B,b@x.example,,,,false,true,false,,,NL\n"
        + "003C,C,C,c@x.example,,,,false,false,false,550 no,2024-01-02T00:00:00Z,NL\n",
        [{"email"}, {"phone"}, NOBODY],
        {"c@x.example"},
    ),
    (
        "Brevo",
        "CONTACT ID;EMAIL;LASTNAME;FIRSTNAME;SMS;EXT_ID;OPT_IN;DOUBLE_OPT-IN;"
        "EMAIL_BLACKLISTED;SMS_BLACKLISTED;ADDED_TIME;MODIFIED_TIME\n"
        "1;a@x.example;A;A;31612345678;;No;2;Yes;Yes;01-02-2024;01-02-2024\n"
        "2;b@x.example;B;B;4915112345678;;Yes;1;No;No;01-02-2024;01-02-2024\n",
        [{"email", "sms"}, NOBODY],
        set(),
    ),
    (
        "Mautic",
        "id,email,firstname,lastname,mobile,doNotContact,dnc_reason\n"
        "1,a@x.example,A,A,,1,Unsubscribed\n2,b@x.example,B,B,,0,\n"
        "3,c@x.example,C,C,,1,Bounced\n",
        [{"email"}, NOBODY, {"email"}],
        {"c@x.example"},
    ),
    (
        "listmonk",
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '1,a@x.example,An Aa,"{""city"": ""Ede""}",blocklisted,2024-01-02,2024-01-02\n'
        "2,b@x.example,Bo Bb,{},enabled,2024-01-02,2024-01-02\n"
        "3,c@x.example,Cas,{},disabled,2024-01-02,2024-01-02\n",
        [{"email"}, NOBODY, {"email"}],
        set(),
    ),
    (
        "Odoo",
        '"Name","Email","Blacklist","Opt Out","Bounce","Company Name","Country"\n'
        '"A","a@x.example","True","False","0","","Netherlands"\n'
        '"B","b@x.example","False","True","0","",""\n'
        '"C","c@x.example","False","False","3","",""\n',
        [{"email"}, {"email"}, NOBODY],
        set(),
    ),
    (
        "Odoo",
        "id,name,email,is_blacklisted,subscription_ids/opt_out,message_bounce\n"
        "1,A,a@x.example,1,0,0\n2,B,b@x.example,0,1,0\n3,C,c@x.example,0,0,0\n",
        [{"email"}, {"email"}, NOBODY],
        set(),
    ),
    (
        "MailPoet",
        '\ufeff"Email","First name","Last name","List status","Global status","List"\n'
        '"a@x.example","An \\"Annie\\"","A","unsubscribed","unsubscribed","News"\n'
        '"b@x.example","B","B","subscribed","subscribed","News"\n'
        '"c@x.example","C","C","subscribed","bounced","News"\n',
        [{"email"}, NOBODY, NOBODY],
        {"c@x.example"},
    ),
    (
        "Adobe Campaign",
        "PKey,firstName,lastName,email,mobilePhone,externalId,blackList,blackListEmail,"
        "blackListFax,blackListMobile,blackListPhone,blackListPostalMail,"
        "blackListPushnotification,created\n"
        "@1,A,A,a@x.example,,E1,true,false,false,false,false,false,false,2018\n"
        "@2,B,B,b@x.example,,E2,false,true,true,true,true,true,true,2018\n"
        "@3,C,C,c@x.example,,,0,0,0,0,0,0,0,2018\n",
        [
            {"any"},
            {"email", "fax", "sms", "phone", "direct_mail", "push"},
            NOBODY,
        ],
        set(),
    ),
    (
        "Adobe Campaign",
        "First name;Last name;Email;No longer contact (by any channel);"
        "No longer contact by email;No longer contact by SMS;"
        "No longer contact by direct mail;No longer contact by push notification\n"
        "A;A;a@x.example;1;0;0;0;0\nB;B;b@x.example;0;1;1;1;1\n",
        [{"any"}, {"email", "sms", "direct_mail", "push"}],
        set(),
    ),
    (
        "Adobe Campaign",
        "Voornaam;Achternaam;Email;Geen contact meer (via een kanaal);"
        "Geen contact meer per e-mail;Geen contact meer met SMS;"
        "Geen contact meer telefonisch;Neem niet meer contact op met een pushmelding\n"
        "A;A;a@x.example;ja;nee;nee;nee;nee\nB;B;b@x.example;nee;ja;ja;ja;ja\n",
        [{"any"}, {"email", "sms", "phone", "push"}],
        set(),
    ),
]


def run(folder: Path, content: str, *arguments: str) -> dict[str, Any]:
    path = folder / "export.csv"
    path.write_text(content)
    out, err = StringIO(), StringIO()
    call_command(
        *("import_profiles", str(path), "--json", *arguments), stdout=out, stderr=err
    )
    return {**json.loads(out.getvalue()), "said": err.getvalue()}


def out_of(letter: str) -> set[str]:
    held = Address.objects.get(channel="email", key=f"{letter}@x.example")
    return {str(s) for s, flag in FLAGS.items() if getattr(held.profile, flag)}


@pytest.mark.parametrize(
    ("name", "content", "out", "failed"),
    CASES,
    ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)],
)
def test_export_of_another_system_says_who_has_opted_out(
    tmp_path: Path,
    settings: Any,
    name: str,
    content: str,
    out: list[set[str]],
    failed: set[str],
) -> None:
    settings.PHONE_REGION = "NL"
    found = run(tmp_path, content)
    assert f"Read as an export of {name}." in found["said"]
    assert found["created"] == len(out)
    assert [out_of(letter) for letter in "abc"[: len(out)]] == out
    entries = QuarantineEntry.objects.filter(status="quarantine")
    assert set(entries.values_list("key", flat=True)) == failed
    # Once more it changes nothing.
    assert run(tmp_path, content)["unchanged"] == len(out)


def test_every_system_has_a_case() -> None:
    tried = {name.partition(" (")[0] for name, *_rest in CASES}
    known = {layout.name.partition(" (")[0] for layout in layouts.LAYOUTS}
    assert tried == known
    assert len(known) == 9


def test_number_with_a_country_code_and_no_plus_is_read_as_one(tmp_path: Path) -> None:
    [brevo] = [content for name, content, *_rest in CASES if name == "Brevo"]
    run(tmp_path, brevo)
    numbers = Address.objects.filter(channel="sms").values_list("key", flat=True)
    assert set(numbers) == {"+31612345678", "+4915112345678"}


def test_columns_that_the_system_does_not_have_are_passed_over_by_name(
    tmp_path: Path,
) -> None:
    content = next(content for name, content, *_rest in CASES if name == "HubSpot")
    assert "Favourite colour" in run(tmp_path, content)["said"]


def test_column_about_consent_that_the_system_does_not_have_is_refused(
    tmp_path: Path,
) -> None:
    content = next(content for name, content, *_rest in CASES if name == "listmonk")
    strange = content.replace("updated_at", "gdpr_consent")
    with pytest.raises(CommandError, match="gdpr_consent"):
        run(tmp_path, strange)
    assert not Profile.objects.exists()
    assert run(tmp_path, strange, "--ignore", "gdpr_consent")["created"] == 3


def test_two_profiles_are_not_made_of_one_by_the_number_of_another_system(
    tmp_path: Path,
) -> None:
    run(tmp_path, "external_id,email\nC1,a@x.example\n")
    content = next(c for name, c, *_rest in CASES if name == "HubSpot")
    run(tmp_path, content)
    person = Profile.objects.get(external_id="C1")
    assert person.no_longer_contact_email
    assert Address.objects.filter(key="a@x.example").count() == 1


@pytest.mark.parametrize(
    "heading",
    [
        *("Unsubscribed", "Opt-out", "Opted in", "Do not email", "GDPR", "Blocklist"),
        *(
            "Toestemming nieuwsbrief",
            "Afgemeld",
            "Uitgeschreven op",
            "Mag gemaild worden",
        ),
        *("Niet bellen", "Bezwaar", "Nieuwsbrief", "Geen reclame", "E-mail status"),
        *("Consent date", "DNC", "Suppressed", "Bounced", "no_mail", "Akkoord"),
    ],
)
def test_heading_about_consent_is_never_passed_over_in_silence(
    tmp_path: Path, heading: str
) -> None:
    content = f"external_id,{heading}\nA,0\n"
    with pytest.raises(CommandError, match="consent"):
        run(tmp_path, content, "--ignore-unknown")
    assert run(tmp_path, content, "--ignore", heading)["created"] == 1


@pytest.mark.parametrize(
    "heading", ["Schoenmaat", "Option", "Company", "Notes", "Postcode", "Geboortedatum"]
)
def test_other_headings_are_passed_over_and_named(tmp_path: Path, heading: str) -> None:
    content = f"external_id,{heading}\nA,42\n"
    assert heading in run(tmp_path, content, "--ignore-unknown")["said"]


@pytest.mark.parametrize("word", ["Unsubscribed", "afgemeld", "Opted out", "Bounced"])
def test_values_about_consent_are_noticed_under_any_heading(
    tmp_path: Path, word: str
) -> None:
    rows = "".join(f"A{n},klant\n" for n in range(50))
    content = f"external_id,Soort\n{rows}B,{word}\n"
    with pytest.raises(CommandError, match="Soort"):
        run(tmp_path, content, "--ignore-unknown")
