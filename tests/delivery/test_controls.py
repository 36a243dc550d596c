"""Control rules: what a message must be; an error stops, a warning is shown."""

import json
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation

from audiences import organisation
from audiences.refusals import Refused
from delivery import analysis, content, deliveries
from delivery.content import sms_segments
from delivery.models import Delivery, Outcome, TypologyRule
from delivery.rules import controls, writing
from tests.people import is_, person, tree

pytestmark = pytest.mark.django_db
LINK = "{{ unsubscribe_link }}"


def message(**facts: Any) -> Delivery:
    return Delivery(**{"label": "News", "channel": "email", **facts})


def faults(check: str, **facts: Any) -> list[str]:
    return list(controls.CHECKS[check].find(message(**facts)))


FINDINGS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("content_present", {"subject": "Hi", "content": "Hello"}, []),
    ("content_present", {"subject": " ", "content": "Hello"}, ["The subject is empty."]),
    ("content_present", {"subject": "Hi", "content": "\n "}, ["The content is empty."]),
    ("content_present", {}, ["The subject is empty.", "The content is empty."]),
    ("content_present", {"channel": "sms", "content": "Hi"}, []),
    ("content_present", {"channel": "sms"}, ["The content is empty."]),
    ("unsubscribe_link", {"content": f"Bye: {LINK}"}, []),
    ("unsubscribe_link", {"content": "{{unsubscribe_link}}"}, []),
    ("unsubscribe_link", {"content": "{{ preferences_link }}"}, []),
    ("unsubscribe_link", {"content": "{{ unsubscribe_link|safe }}"}, []),
    ("unsubscribe_link", {"content": "Hello", "purpose": "transactional"}, []),
    ("unsubscribe_link", {"content": "Hello", "purpose": "legal"}, []),
    ("unsubscribe_link", {"content": ""}, []),
    ("unsubscribe_link", {"content": '<p>x</p><!-- {{ unsubscribe_link }} -->'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<p>x</p><!-- {{ unsubscribe_link }}'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<p>x</p><!--[if mso]><a href="{{ unsubscribe_link }}">x</a><![endif]-->'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<style>/* {{ unsubscribe_link }} */</style><p>x</p>'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<script>{{ unsubscribe_link }}</script><p>x</p>'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<head><title>{{ unsubscribe_link }}</title></head><p>x</p>'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<p hidden>x <a href="{{ unsubscribe_link }}">x</a></p><p>y</p>'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<div style="DISPLAY : none"><p>x <a href="{{ unsubscribe_link }}">x</a></p></div>'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<p>x</p><a href="{{ unsubscribe_link }}"></a>'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<p>x</p><a href="{{ unsubscribe_link }}"> \n </a>'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<p>x</p><img alt="{{ unsubscribe_link }}">'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<p>x</p><a href="https://x.example/?u={{ unsubscribe_link }}">x</a>'}, ["Nobody sees the unsubscribe link: it is in a comment, is hidden, or has nothing to click on."]),
    ("unsubscribe_link", {"content": '<p>x</p><a href="{{ unsubscribe_link }}">x</a>'}, []),
    ("unsubscribe_link", {"content": "<p>x</p><A HREF=' {{unsubscribe_link}} '><b>x</b></A>"}, []),
    ("unsubscribe_link", {"content": '<p>x</p><a href="{{ preferences_link }}"><img src="https://x.example/a.png"></a>'}, []),
    ("unsubscribe_link", {"content": '<p hidden>x<p><a href="{{ unsubscribe_link }}">x</a>'}, []),
    ("unsubscribe_link", {"content": '<!-- a --><p>Stop: {{ unsubscribe_link }}</p><!-- b -->'}, []),
    ("unsubscribe_link", {"content": '<table><tr><td>x<a href="{{ unsubscribe_link }}">x</table>'}, []),
    (
        "unsubscribe_link",
        {"content": "unsubscribe_link { unsubscribe_link } {{ first_name }}"},
        ["Marketing needs {{ unsubscribe_link }} or {{ preferences_link }}."],
    ),
    ("known_fields", {"subject": "{{ first_name }}", "content": "{{last_name|you there}}"}, []),
    ("known_fields", {"content": "no {braces} { or } 50%"}, []),
    ("known_fields", {"content": "<style>@media x{a{width:100%}}b{#c{d:e}}</style>Hi"}, []),
    ("known_fields", {"content": "{{ first_name|default:'reader' }}"}, []),
    ("known_fields", {"content": '<a href="{{ unsubscribe_link|default:"x" }}">x</a>'}, []),
    ("known_fields", {"content": "Hi {{ first_name "}, ["“{{ first_name” is left open: a field ends with }}."]),
    ("known_fields", {"subject": "Hi {{ first_name", "content": "x"}, ["“{{ first_name” is left open: a field ends with }}."]),
    ("known_fields", {"content": "<p>Hi {{ first_name</p>"}, ["“{{ first_name</p>” is left open: a field ends with }}."]),
    ("known_fields", {"content": "{{ first_name {{ last_name }}"}, ["“{{ first_name” is left open: a field ends with }}."]),
    ("known_fields", {"content": "Hi first_name }}"}, ["“}}” has no beginning: a field begins with {{."]),
    ("known_fields", {"content": "{{{ first_name }}}"}, ["“{{{ first_name }}}” has one brace too many: readers would see it."]),
    ("known_fields", {"content": "{% if first_name %}Hi{% endif %}"}, [
        "“{% if first_name %}Hi{% endif %}”: {% … %} means nothing here, only {{ … }}.",
        "“{% endif %}”: {% … %} means nothing here, only {{ … }}.",
    ]),
    ("known_fields", {"content": "{{ first_name | Upper }}"}, [
        "{{ first_name | Upper }} has the unknown filter Upper. After | stands what is said where the field is empty."
    ]),
    ("known_fields", {"content": "{{ first_name|pad:'10' }}"}, [
        "{{ first_name|pad:'10' }} has the unknown filter pad. After | stands what is said where the field is empty."
    ]),
    ("known_fields", {"content": "{{ first_name|upper|date:'Y' }}"}, [
        "{{ first_name|upper|date:'Y' }} has the unknown filter upper. After | stands what is said where the field is empty."
    ]),
    *(("known_fields", {"content": f"{{{{ {name} }}}}"}, []) for name in content.FIELDS),
    ("https_links", {"content": 'x <a href="https://x.example">x</a>'}, []),
    ("https_links", {"content": f'<a href="{LINK}">x</a>'}, []),
    ("https_links", {"content": '<a href="mailto:a@x.example">x</a> <a>x</a>'}, []),
    (
        "https_links",
        {"content": '<a href="http://x.example">x</a>'},
        ["The link http://x.example is not https."],
    ),
    (
        "https_links",
        {"content": "<IMG SRC='HTTP://x.example/a.png'>"},
        ["The link HTTP://x.example/a.png is not https."],
    ),
    (
        "https_links",
        {"content": "See http://x.example/a and http://y.example.", "channel": "sms"},
        [
            "The link http://x.example/a is not https.",
            "The link http://y.example is not https.",
        ],
    ),
    ("https_links", {"content": "See HTTP://X.example/a."}, ["The link HTTP://X.example/a is not https."]),
    ("https_links", {"content": "<p>See Http://x.example</p>"}, ["The link Http://x.example is not https."]),
    ("https_links", {"content": '<a href=" ht\ntp://x.example ">x</a>'}, ["The link http://x.example is not https."]),
    ("https_links", {"content": '<a href="http&#58;//x.example">x</a>'}, ["The link http://x.example is not https."]),
    ("https_links", {"content": '<table background="http://x.example/a.png"></table>'}, ["The link http://x.example/a.png is not https."]),
    ("https_links", {"content": '<p style="background: url(http://x.example/a.png)">x</p>'}, ["The link http://x.example/a.png is not https."]),
    ("https_links", {"content": '<a href="http://x.example/{{ external_id }}">x</a>'}, ["The link http://x.example/{{ external_id }} is not https."]),
    ("https_links", {"content": '<!DOCTYPE html PUBLIC "-//W3C//DTD" "http://www.w3.org/x"><html xmlns="http://www.w3.org/1999/xhtml"><p>x</p>'}, []),
    ("sms_length", {"content": "a" * 459}, []),
    (
        "sms_length",
        {"content": "a" * 460},
        [
            "The SMS takes 4 segments in GSM-7; the most is 3. "
            "Personal fields make it longer still."
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("check", "facts", "expected"), FINDINGS)
def test_a_check_finds_faults(
    check: str, facts: dict[str, Any], expected: list[str]
) -> None:
    assert faults(check, **facts) == expected


def test_an_unknown_field_is_named_with_those_there_are() -> None:
    found = faults("known_fields", subject="{{ name }}", content="{{ email|x }} {{ }}")
    assert [text.split(". ")[0] for text in found] == [
        "{{ name }} is not a field",
        "{{ email }} is not a field",
        "{{  }} is not a field",
    ]
    assert "There are: first_name, " in found[0]


ADDRESS = [
    "Mails do not say where you are: the organisation has no postal address. Give it one "
    "in Settings."
]


@pytest.mark.parametrize(
    ("facts", "address", "expected"),
    [
        ({}, "", ADDRESS),
        ({}, "Main Street 1, Delft", []),
        ({"purpose": "transactional"}, "", []),
        ({"content": ""}, "", []),
    ],
)
def test_marketing_says_where_you_are(
    facts: dict[str, Any], address: str, expected: list[str]
) -> None:
    organisation.change(postal_address=address)
    assert faults("postal_address", **{"content": "Hello", **facts}) == expected


def test_every_language_is_checked_and_named() -> None:
    organisation.change(postal_address="Main Street 1")
    made = deliveries.create("x", channel="email", subject="a", content=f"Hi {LINK}")
    made.variants.create(language="nl", subject="b", content="Hoi {{ frist_name }}")
    made.variants.create(language="de", content=f"Hallo {LINK}", preheader="{% x %}")
    with translation.override("en"):
        found = [controls.in_words(f) for f in controls.inspect(made, [])]
    assert [text.partition(":")[0] for text in found] == [
        "In de",
        "In nl",
        "In de",
        "In nl",
    ]
    assert found[0] == "In de: The subject is empty."
    assert "Marketing needs" in found[1]
    assert "{% x %}" in found[2]
    assert "frist_name" in found[3]
    report = analysis.analyse(made)
    assert report.state == "failed"
    assert "In nl: Marketing needs" in report.error
    made.variants.all().delete()
    assert analysis.analyse(made).state == "ready"


def test_every_check_has_a_row_in_the_table_of_faults() -> None:
    tested = {check for check, _facts, _expected in FINDINGS} | {"postal_address"}
    assert tested == set(controls.CHECKS)


# ------------------------------------------------------------------ SMS
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM-7", 0)),
        ("a", ("GSM-7", 1)),
        ("a" * 160, ("GSM-7", 1)),
        ("a" * 161, ("GSM-7", 2)),
        ("a" * 306, ("GSM-7", 2)),
        ("a" * 307, ("GSM-7", 3)),
        ("a" * 459, ("GSM-7", 3)),
        ("a" * 460, ("GSM-7", 4)),
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ ¡ÄÖÑÜ§¿äöñüà", ("GSM-7", 1)),
        # Extended characters take two places.
        ("€" * 80, ("GSM-7", 1)),
        ("€" * 80 + "a", ("GSM-7", 2)),
        ("^{}\\[~]|€" + "a" * 142, ("GSM-7", 1)),
        ("^{}\\[~]|€" + "a" * 143, ("GSM-7", 2)),
        # An escape at the end of a segment goes to the next one whole.
        ("a" * 152 + "€" + "a" * 152, ("GSM-7", 3)),
        ("a" * 151 + "€" + "a" * 153, ("GSM-7", 2)),
        # Small c with cedilla is not in GSM 03.38, capital C with cedilla is.
        ("ç", ("UCS-2", 1)),
        ("Ç", ("GSM-7", 1)),
        ("`", ("UCS-2", 1)),
        ("é" * 160, ("GSM-7", 1)),
        ("ё" * 70, ("UCS-2", 1)),
        ("ё" * 71, ("UCS-2", 2)),
        ("ё" * 134, ("UCS-2", 2)),
        ("ё" * 135, ("UCS-2", 3)),
        ("a" * 69 + "ё", ("UCS-2", 1)),
        ("a" * 70 + "ё", ("UCS-2", 2)),
        # An emoji is two code units, and is not split.
        ("😀" * 35, ("UCS-2", 1)),
        ("😀" * 35 + "a", ("UCS-2", 2)),
        ("a" * 66 + "😀" + "a" * 66, ("UCS-2", 3)),
        ("a" * 65 + "😀" + "a" * 67, ("UCS-2", 2)),
        ("👍🏽", ("UCS-2", 1)),
    ],
)
def test_an_sms_takes_its_known_number_of_segments(
    text: str, expected: tuple[str, int]
) -> None:
    assert sms_segments(text) == expected


# ------------------------------------------------------------------ in an analysis
@pytest.fixture
def somebody() -> None:
    organisation.change(postal_address="Main Street 1, Delft")
    person(email="ann@shop.example", sms="+31612345678")


def make(content: str, *rules: str, **facts: Any) -> Delivery:
    facts = {"channel": "email", "subject": "News", **facts}
    if rules:
        facts["typology"] = writing.create_typology("t", rules=rules)
    return deliveries.create("News", content=content, **facts)


def analyse(delivery: Delivery, *options: str) -> str:
    out = StringIO()
    call_command("analyse_delivery", f"id:{delivery.pk}", *options, stdout=out, stderr=StringIO())  # fmt: skip
    return out.getvalue()


@pytest.mark.usefixtures("somebody")
def test_an_error_stops_the_analysis_before_anybody_is_judged() -> None:
    delivery = make("Hello {{ name }}")
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("analyse_delivery", "News", "--json", stdout=out)
    assert caught.value.returncode == 1
    assert "Marketing needs" in str(caught.value)
    assert "{{ name }} is not a field" in str(caught.value)
    report = json.loads(out.getvalue())
    assert (report["state"], report["targeted"]) == ("failed", 0)
    found = {w["code"]: w["count"] for w in report["warnings"]}
    assert found["control:unsubscribe_link"] == found["control:known_fields"] == 1
    assert delivery.state == "failed"
    assert not Outcome.objects.exists()


@pytest.mark.usefixtures("somebody")
def test_an_error_also_empties_the_results_of_the_run_before() -> None:
    delivery = make(f"Hello {LINK}")
    assert analysis.analyse(delivery).to_deliver == 1
    Delivery.objects.update(content="Hello")
    delivery.refresh_from_db()
    assert analysis.analyse(delivery).state == "failed"
    assert not Outcome.objects.exists()
    Delivery.objects.update(content=f"Hello again {LINK}")
    delivery.refresh_from_db()
    assert analysis.analyse(delivery).to_deliver == 1


@pytest.mark.usefixtures("somebody")
def test_a_warning_is_shown_with_the_report_and_its_json() -> None:
    links = "http://a.example http://b.example"
    delivery = make(f"{links} {LINK}")
    shown = " ".join(analyse(delivery).split())
    assert "News (Email): ready" in shown
    assert (
        "Warning (2): Links are https: The link http://a.example is not https. "
        "[control:https_links]" in shown
    )
    for options in (["--json"], ["--json", "--dry-run"]):
        report = json.loads(analyse(delivery, *options))
        assert (report["state"], report["to_deliver"]) == ("ready", 1)
        assert report["warnings"][1] == {
            "code": "control:https_links",
            "label": "Links are https: The link http://a.example is not https.",
            "count": 2,
        }


@pytest.mark.usefixtures("somebody")
def test_an_operator_makes_a_fault_more_severe() -> None:
    writing.create_control_rule("strict", check="https_links", severity="error")
    delivery = make(f"http://a.example {LINK}", "strict")
    report = analysis.analyse(delivery)
    assert report.state == "failed"
    assert report.error == "The link http://a.example is not https."
    assert [w.code for w in report.warnings[1:]] == ["control:strict"]


NATIVE = [check for check in controls.CHECKS.values() if check.is_native]


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize(
    ("subject", "content", "found"),
    [
        ("Hi", "Hello", "Marketing needs"),
        ("Hi", f"{LINK} {{{{ name }}}}", "is not a field"),
        ("Hi", f"{LINK} {{{{ first_name ", "is left open"),
        ("", f"Hello {LINK}", "The subject is empty."),
        ("Hi", "", "The content is empty."),
    ],
)
def test_no_typology_drops_what_the_law_or_a_promise_needs(
    subject: str, content: str, found: str
) -> None:
    """Nor does a rule that is switched off, as it could be before."""
    TypologyRule.objects.filter(kind="control").update(
        is_active=False, severity="warning"
    )
    writing.create_filtering_rule("french", condition=tree(is_("language", "fr")))
    delivery = make(content, "filter:french", subject=subject)
    report = analysis.analyse(delivery)
    assert report.state == "failed"
    assert found in report.error


@pytest.mark.usefixtures("somebody")
def test_http_is_told_of_whatever_the_typology_has() -> None:
    writing.create_filtering_rule("french", condition=tree(is_("language", "fr")))
    report = analysis.analyse(make(f"http://a.example {LINK}", "filter:french"))
    assert report.state == "ready"
    assert [w.code for w in report.warnings[1:]] == ["control:https_links"]


def test_a_check_that_must_be_an_error_is_not_made_a_warning() -> None:
    for check in NATIVE:
        row = TypologyRule.objects.get(code=f"control:{check.code}")
        with pytest.raises(Refused, match="cannot be switched off"):
            writing.change_rule(row, is_active=False, inactive_note="I want to")
        if check.severity == "error":
            with pytest.raises(Refused, match="is always an error"):
                writing.change_rule(row, severity="warning")
            with pytest.raises(Refused, match="is always an error"):
                writing.create_control_rule("lax", check=check.code, severity="warning")


@pytest.mark.usefixtures("somebody")
def test_what_may_be_switched_off_asks_why() -> None:
    rule = writing.create_control_rule("c", check="sms_length", severity="error")
    delivery = make("a" * 500, "c", channel="sms", subject="")
    assert "takes 4 segments" in analysis.analyse(delivery).error
    for note in ("", "  "):
        with pytest.raises(Refused, match="Say why"):
            writing.change_rule(rule, is_active=False, inactive_note=note)
    writing.change_rule(rule, is_active=False, inactive_note="long texts this week")
    assert analysis.analyse(delivery).state == "ready"
    writing.change_rule(rule, label="Another label")
    assert rule.inactive_note == "long texts this week"
    writing.change_rule(rule, is_active=True)
    assert rule.inactive_note == ""


@pytest.mark.usefixtures("somebody")
def test_a_typology_can_ask_for_content_that_is_elsewhere() -> None:
    rule = writing.create_control_rule("c", check="content_present", severity="error")
    delivery = make("", "c", subject="")
    found = "The subject is empty. The content is empty."
    assert analysis.analyse(delivery).error == found
    writing.change_rule(rule, is_active=False, inactive_note="it is sent elsewhere")
    assert analysis.analyse(delivery).state == "ready"


@pytest.mark.parametrize(
    "piece",
    [
        "{{",
        "}}",
        "{%",
        "<!--",
        "<a ",
        "<a b='",
        "http://",
        "http://.",
        "<div>",
        "|",
        "{{ first_name|",
    ],
)
def test_the_time_to_read_a_message_does_not_explode(piece: str) -> None:
    for check in NATIVE:
        started = time.monotonic()
        faults(check.code, subject="x", content=f"<p>{piece * 20_000}")
        assert time.monotonic() - started < 30


@pytest.mark.usefixtures("somebody")
def test_a_delivery_whose_content_is_elsewhere_is_analysed() -> None:
    report = analysis.analyse(make("", subject=""))
    assert (report.state, report.to_deliver) == ("ready", 1)
    assert [line.count for line in report.warnings] == [0]


@pytest.mark.usefixtures("somebody")
def test_a_check_looks_only_at_its_own_channels() -> None:
    delivery = make("ё" * 202, channel="sms")
    report = analysis.analyse(delivery)
    assert report.state == "ready"
    assert [line.code for line in report.warnings[1:]] == ["control:sms_length"]
    assert "4 segments in UCS-2" in report.warnings[1].label
    email = deliveries.create(
        "Mail", channel="email", subject="Hi", content="ё" * 202 + LINK
    )
    assert analysis.analyse(email).warnings[1:] == []


def test_the_content_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "content.html"
    path.write_text("Dag {{ first_name }} ✓", encoding="utf-8-sig")
    options = ["create_delivery", "--label", "N", "--channel", "email"]
    call_command(*options, "--subject", "Hi", "--content", str(path), stdout=StringIO())
    delivery = deliveries.find("N")
    assert (delivery.subject, delivery.content) == ("Hi", "Dag {{ first_name }} ✓")
    path.write_bytes(b"\xff\xfe")
    for bad in (path, tmp_path / "absent"):
        with pytest.raises(CommandError, match=str(bad)):
            call_command(*options[:2], "M", *options[3:], "--content", str(bad))


def test_a_finding_keeps_what_another_language_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault = next(iter(controls.CHECKS["https_links"].find(message(content="http://x"))))
    before = controls.Finding(code="c", label="", text="Stored before.", severity="")
    stored = before | {"template": fault.template, "values": fault.values}
    dutch = {"The link %(link)s is not https.": "De link %(link)s is geen https."}
    monkeypatch.setattr(controls, "gettext", dutch.__getitem__)
    assert fault == "The link http://x is not https."
    assert controls.in_words(json.loads(json.dumps(stored))) == (
        "De link http://x is geen https."
    )
    assert controls.in_words(before) == "Stored before."
