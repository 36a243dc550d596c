"""Exports in the words of other languages and versions, and what is like them."""

from pathlib import Path

import pytest
from django.core.management import CommandError

from audiences.addresses import normalise
from audiences.files import BadCell
from audiences.imports.columns.consent_words import is_about_consent
from audiences.imports.matching import named_by
from audiences.imports.person_row import Row
from audiences.models import Profile
from delivery.models import QuarantineEntry

from .test_layouts import NOBODY, out_of, run

pytestmark = pytest.mark.django_db

LEFT = {"email"}
# A name; the file; what a@, b@ and c@ have opted out of.
CASES: list[tuple[str, str, list[set[str]]]] = [
    (
        "Odoo (blacklist)",
        '"Email Address","Active"\n"a@x.example","True"\n"b@x.example","False"\n',
        [LEFT, NOBODY],
    ),
    (
        "Odoo (blacklist)",
        "Externe ID,E-mailadres,Actief\nx_1,a@x.example,WAAR\nx_2,b@x.example,\n",
        [LEFT, NOBODY],
    ),
    (
        "Odoo (blacklist)",
        '"Blacklist Date","Email Address"\n"2024-05-06 07:08:09","a@x.example"\n',
        [LEFT],
    ),
    (
        "Odoo",
        "Display Name,Phone,Email,Salesperson,City,Blacklist\n"
        "A,,a@x.example,Jo,Ede,True\nB,,b@x.example,Jo,Ede,False\n",
        [LEFT, NOBODY],
    ),
    (
        "Odoo",
        "Name,Email,Subscription Information/Mailing List,"
        "Subscription Information/Opt Out\n"
        "A,a@x.example,News,True\nB,b@x.example,News,False\n",
        [LEFT, NOBODY],
    ),
    (
        "Odoo",
        "Naam,E-mail,Blacklist,Afgemeld\nA,a@x.example,Waar,Onwaar\n"
        "B,b@x.example,Onwaar,Waar\nC,c@x.example,Onwaar,Onwaar\n",
        [LEFT, LEFT, NOBODY],
    ),
    (
        "Odoo",
        "Name,Email,Subscription List/Mailing List,Subscription List/Opt Out\n"
        "A,a@x.example,News,False\n,,Offers,True\nB,b@x.example,News,False\n"
        ",,Offers,False\nC,c@x.example,News,False\nNobody,,News,True\n",
        [LEFT, NOBODY, NOBODY],
    ),
    (
        "Odoo",
        "Name,Email,Blacklist,Phone Blacklisted\nA,a@x.example,False,True\n",
        [{"sms", "phone"}],
    ),
    (
        "Mautic",
        "id,firstname,lastname,email,dnc,dnc_channel\n1,A,A,a@x.example,1,sms\n"
        "2,B,B,b@x.example,1,email\n",
        [{"email", "sms"}, LEFT],
    ),
    (
        "Brevo",
        "EMAIL;LASTNAME;SMS;BLOCKLISTED;ADDED_TIME;MODIFIED_TIME\n"
        "a@x.example;A;;yes;;\nb@x.example;B;;no;;\n",
        [LEFT, NOBODY],
    ),
    (
        "Adobe Campaign",
        "PKey,email,denyList,denyListEmail,denyListMobile\n@1,a@x.example,true,,\n"
        "@2,b@x.example,,true,true\n",
        [{"any"}, {"email", "sms"}],
    ),
    (
        "Mailchimp (unsubscribed)",
        "E-mailadres,Voornaam,Achternaam,MEMBER_RATING,UNSUB_TIME,UNSUB_REASON,LEID,"
        "EUID\na@x.example,A,A,2,2024-01-02 03:04:05,,1,x\n",
        [LEFT],
    ),
    (
        "Mailchimp",
        "Adresse e-mail,Prénom,Nom,MEMBER_RATING,LEID,EUID\na@x.example,A,A,2,1,x\n",
        [NOBODY],
    ),
    (
        "Brevo",
        "EMAIL;NOM;PRENOM;SMS;BLACKLIST\na@x.example;A;A;31612345678;1\n"
        "b@x.example;B;B;;0\n",
        [LEFT, NOBODY],
    ),
    (
        "Brevo",
        "CONTACT ID;EMAIL;EMAIL_MARKETING;SMS_MARKETING\n1;a@x.example;Unsubscribed;-\n"
        "2;b@x.example;Subscribed;Unsubscribed\n",
        [LEFT, {"sms"}],
    ),
    (
        "Salesforce (API)",
        "Id,FirstName,LastName,PersonEmail,PersonHasOptedOutOfEmail,PersonDoNotCall\n"
        "1,A,A,a@x.example,true,false\n2,B,B,b@x.example,false,true\n",
        [LEFT, {"phone"}],
    ),
    (
        "Adobe Campaign",
        "PKey,email,blackListAll,blackListEmail\n@1,a@x.example,true,false\n"
        "@2,b@x.example,false,true\n",
        [{"any"}, LEFT],
    ),
]


@pytest.mark.parametrize(
    ("name", "content", "out"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)]
)
def test_export_in_other_words_says_who_has_opted_out(
    tmp_path: Path, name: str, content: str, out: list[set[str]]
) -> None:
    found = run(tmp_path, content)
    assert f"Read as an export of {name}." in found["said"]
    assert [out_of(letter) for letter in "abc"[: len(out)]] == out
    assert not QuarantineEntry.objects.exists()


@pytest.mark.parametrize(
    "header",
    [
        *("email,active", "emailadres,actief", "Email Address,Active,Shoe size"),
        *("E-mailadres,Actief,Klantnummer", "email,status,uuid"),
    ],
)
def test_what_is_only_like_a_list_of_blocked_people_is_refused(
    tmp_path: Path, header: str
) -> None:
    """Passed over, the column would make people of those who are blocked."""
    cells = ",".join(["a@x.example", "enabled", "3"][: header.count(",") + 1])
    with pytest.raises(CommandError, match="Looks like consent"):
        run(tmp_path, f"{header}\n{cells}\n", "--ignore-unknown")
    assert not Profile.objects.exists()


@pytest.mark.parametrize(
    "heading",
    [
        *("Zwarte lijst", "Lijststatus", "Sperrliste", "Listenstatus", "Abgemeldet"),
        *("Nicht mehr per E-Mail kontaktieren", "Keine Werbung", "Widerruf"),
        *("Ne plus contacter par e-mail", "Désinscription", "Liste noire", "Abonné"),
        *("Refus d'e-mails", "Suscripción", "Lista negra", "No contactar", "Consenso"),
        *("Iscritto", "Non contattare", "Active"),
    ],
)
def test_headings_about_consent_are_known_in_the_languages_of_exports(
    heading: str,
) -> None:
    assert is_about_consent(heading)


@pytest.mark.parametrize(
    "heading",
    [
        *("Description", "Prescription", "Listenpreis", "Postleitzahl", "Nepal"),
        *("Activity", "Nombre", "Prénom", "Indirizzo", "Geburtstag", "Kontostand"),
    ],
)
def test_everyday_headings_in_these_languages_are_not(heading: str) -> None:
    assert not is_about_consent(heading)


def test_a_row_below_a_person_waits_until_that_person_is_made() -> None:
    """It may be the first of the next chunk, which is looked up meanwhile."""
    address = normalise("email", "a@x.example")
    above = Row(2, addresses=[("email", True, address)], email_keys=(address.key,))
    below = Row(3, nobody=BadCell("email", "nobody"))
    below.follow(above)
    assert named_by([below]) == {"a@x.example"}
    assert below.nobody is None
