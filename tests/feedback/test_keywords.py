"""What a text message asks for: keywords, wordings, and what only smells of stopping."""

import csv
from pathlib import Path

import pytest

from delivery.feedback.text_messages import keywords
from delivery.feedback.text_messages.keywords import KeywordAction, KeywordTable, judge
from delivery.feedback.text_messages.wording import clean
from delivery.models import Keyword

DATA = Path(__file__).resolve().parents[1] / "data" / "sms"
TABLE = KeywordTable(keywords.built_in())


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def action(text: str, **known: str) -> str:
    return judge(text, TABLE, **known).action


@pytest.mark.parametrize("row", rows("stop_keywords"), ids=lambda row: row["keyword"])
def test_every_keyword_does_what_the_list_says(row: dict[str, str]) -> None:
    for text in (
        row["keyword"],
        row["keyword"].lower(),
        f" {row['keyword'].title()}! ",
        f"\ufeff{row['keyword']}\u200b",
        f"{row['keyword']} 🙏",
    ):
        assert action(text) == row["action"], text
    languages = {entry.language for entry in TABLE.entries}
    assert set(row["language"].split("/")) <= languages


@pytest.mark.parametrize(
    "row", rows("keyword_cases"), ids=lambda row: repr(row["body"])
)
def test_every_case_is_judged_as_it_says(row: dict[str, str]) -> None:
    assert action(row["body"]) == row["expected_action"]


OPT_OUT = """
please stop texting me
stop met sms'en
Stop met sms’en aub
STOP!!!
S.T.O.P.
S T O P
ST0P
stooooop
𝗦𝗧𝗢𝗣
SТОР
"STOP"
pls stop
Stop it
stop now
Just stop
make it stop
I said STOP
STOP SMS
STOP STOP STOP
stop everything
Hallo, stop aub
yes stop
stop asap
stop 🛑
Stop sending me messages
Stop texting me!!
stop contacting me
Please stop these messages
Can you please stop texting me?
Kunt u mij afmelden?
Wilt u stoppen met sms'en?
unsubscribe me
please remove me from your list
take me off this list
remove my number
opt me out
I want to opt out
I want to unsubscribe
unsubscribe newsletter
no more texts
no more texts please
don't text me again
dont send me any more texts
Never text me again
Do not contact me again
please don't text me anymore
I don't want these messages anymore
I no longer wish to receive these texts
I do not wish to receive any more messages
leave me alone
cancel my subscription
quit texting me
I revoke my consent
end please
Stop, please.
meld mij af
Meld mij a.u.b. af
Ik wil niks meer ontvangen
I want to stop receiving texts
Stop er mee
niet meer sturen
Ik wil me afmelden
Graag afmelden
afmelden nieuwsbrief
schrijf me uit
haal me van de lijst
verwijder mijn nummer
Ik wil niet meer! 🙅 afmelden ASJEBLIEFT
geen berichten meer
geen sms meer aub
Stuur me geen sms meer
Ik wil geen reclame meer
ik wil geen berichten meer van jullie ontvangen
ik wil dit niet meer
laat me met rust
stop met deze berichten
Stop asjeblieft met die sms'jes
Stop hiermee
hou op met sms'en
stopp bitte
Bitte keine SMS mehr
Ich möchte keine Nachrichten mehr erhalten
Bitte abmelden
je ne veux plus recevoir de sms
Arrêtez de m'envoyer des messages
désabonnez-moi
plus de sms svp
no quiero recibir mas mensajes
dar de baja por favor
no me envíen más mensajes
non voglio più ricevere messaggi
Não quero receber mais mensagens
İPTAL
إلغاء
توقــف
REZYGNUJĘ
СТОП
"""
REVIEW = """
niet stoppen
please don't stop
stop niet
never stop
do not stop
don't unsubscribe me
Niet afmelden!
Wanneer stopt de actie?
cancel the order
bus stop
end of story
the end of it
I quit my job
I will stop by tomorrow
Stop by the store
ik ga stoppen met werken
ik wil niet meer komen
ik krijg geen sms meer
How do I unsubscribe?
hoe kan ik me afmelden?
wrong number
verkeerd nummer
wrong person
hoe meld ik me af
Kappen nou
can't stop laughing
I texted STOP yesterday
not interested
geen interesse
no thanks
START STOP
stop start please
no more
🛑
stpo
stop or I call my lawyer
"""
NONE = """
nee
no
ok
thanks
Bedankt!
Hoe laat zijn jullie open?
yes I will come
😀😀
When do you start?
Ik kom morgen om 10 uur
Ik kom uit Utrecht en wil graag een afspraak maken
call me
12345
where is my order
"""
OPT_IN = "START\nstart!\nStart please\nYES\nYes! 👍\nunstop\nAanmelden\nAAN\nopt in\nＳＴＡＲＴ"
HELP = "help\nHELP!\nInfo\nhulp aub\nhelp please"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (text, expected)
        for expected, texts in (
            ("opt_out", OPT_OUT),
            ("review", REVIEW),
            ("none", NONE),
            ("opt_in", OPT_IN),
            ("help", HELP),
        )
        for text in texts.strip().splitlines()
    ],
)
def test_any_reasonable_wording_is_understood(text: str, expected: str) -> None:
    assert action(text) == expected


@pytest.mark.parametrize(
    "text", ["yes please", "ok yes", "Hi yes", "yesss", "Yes?", "start?", "aan graag"]
)
def test_small_talk_takes_back_no_stop(text: str) -> None:
    assert action(text) == "none"


def test_an_answer_of_ones_own_takes_no_small_talk_either() -> None:
    own = Keyword(keyword="Ja", language="nl", action=KeywordAction.OPT_IN)
    table = KeywordTable([own])
    assert [judge(text, table).action for text in ("JA!", "ja graag", "ja?")] == [
        "opt_in",
        "none",
        "none",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("🛑 STOP 🇳🇱", "opt_out"),
        ("🇳🇱STOP🇳🇱", "opt_out"),
        ("🇸🇹🇴🇵", "opt_out"),
        ("ST🅾️P", "opt_out"),
        ("$TOP", "opt_out"),
        ("ΣΤΟΠ", "opt_out"),
        ("bla bla 🇸🇹🇴🇵 bla", "review"),
        ("Ik ben klaar. UIT", "review"),
        ("Merci d'arrêter", "review"),
        ("🇹🇩", "none"),  # the flag of Chad; TD is a keyword
        ("🇳🇱🇧🇪🇫🇷 wij komen met drie landen", "none"),
        ("Haal me om vijf uur op", "none"),
    ],
)
def test_flags_signs_and_capitals_are_read_as_they_are_meant(
    text: str, expected: str
) -> None:
    assert action(text) == expected


@pytest.mark.parametrize(
    "text", ["", "   ", "???", "\0", "\u200b\ufeff", "\ud800", "🇳🇱"]
)
def test_an_empty_text_asks_for_nothing(text: str) -> None:
    assert action(text) == "none"


LONG = [
    "STOP " * 20_000,
    "hello " * 16_000 + " STOP",
    "hello " * 300 + "please stop texting me",
    "hello " * 8_000 + "please stop texting me" + " hello" * 8_000,
    "hello " * 300 + " BAJA",
    "hello " * 300 + "uit",
]


@pytest.mark.parametrize("text", LONG, ids=lambda text: text.strip()[-12:])
def test_a_text_that_is_longer_than_is_understood_is_for_a_person(text: str) -> None:
    assert action(text) == "review"


def test_a_long_text_without_a_hint_is_nothing() -> None:
    assert action("hello " * 16_000) == "none"


def lines(name: str) -> list[str]:
    found = (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in found if not line.startswith("#")]


@pytest.mark.parametrize("text", lines("everyday"))
def test_an_everyday_message_holds_no_number(text: str) -> None:
    assert action(text) not in ("review", "opt_out")


@pytest.mark.parametrize("text", [*lines("wants_out"), *lines("written_oddly")])
def test_nobody_who_asks_to_stop_is_dropped(text: str) -> None:
    assert action(text) in ("opt_out", "review")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＳＴＯＰ", "stop"),
        ("Arrêt", "arret"),
        ("İPTAL", "iptal"),
        ("Straße", "strasse"),
        ("don’t", "dont"),
        ("opt-out", "opt out"),
        ("a\u00adb", "ab"),
        ("👍🏽", ""),
    ],
)
def test_what_does_not_matter_is_taken_away(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_a_keyword_of_other_countries_is_for_a_person() -> None:
    entry = Keyword(
        keyword="RED", language="tr", action=KeywordAction.OPT_OUT, regions="TR"
    )
    table = KeywordTable([entry])
    assert judge("red", table, region="TR").action == "opt_out"
    assert judge("red", table, region="GB").action == "review"
    assert judge("red", table).action == "opt_out"


def test_a_row_for_our_number_comes_before_a_row_for_all() -> None:
    table = KeywordTable(
        [
            Keyword(keyword="JA", language="nl", action=KeywordAction.OPT_IN),
            Keyword(
                keyword="JA",
                language="nl",
                action=KeywordAction.NONE,
                short_code="1008",
            ),
        ]
    )
    assert judge("ja", table, to="1008").action == "none"
    assert judge("ja", table, to="2009").action == "opt_in"


def test_one_keyword_with_two_meanings_does_the_careful_one() -> None:
    table = KeywordTable(
        [
            Keyword(keyword="FINE", language="en", action=KeywordAction.OPT_IN),
            Keyword(keyword="FINE", language="it", action=KeywordAction.OPT_OUT),
        ]
    )
    assert judge("fine", table, language="en").action == "opt_out"


def test_every_built_in_keyword_has_a_reply_that_fits() -> None:
    for row in keywords.built_in():
        row.clean_fields(exclude=["id"])
        assert row.reply, row.keyword
        assert len(row.reply) <= 160, row.keyword


@pytest.mark.django_db
def test_keeping_in_step_never_undoes_what_an_operator_did() -> None:
    Keyword.objects.filter(keyword="STOP", language="en").update(
        action="review", reply="ours", is_active=False
    )
    own = Keyword.objects.create(keyword="WEG", language="nl", action="opt_out")
    before = list(Keyword.objects.order_by("pk").values())
    keywords.keep_in_step()
    assert list(Keyword.objects.order_by("pk").values()) == before
    assert Keyword.objects.filter(pk=own.pk).exists()


@pytest.mark.django_db
def test_keeping_in_step_brings_back_what_is_missing() -> None:
    Keyword.objects.filter(language="nl").delete()
    keywords.keep_in_step()
    assert Keyword.objects.filter(keyword="AFMELDEN", is_built_in=True).exists()
