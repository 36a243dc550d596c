"""Options that contradict are refused, and no refusal repeats a long input."""

from collections.abc import Callable

import pytest

from audiences.refusals import LONGEST_ECHO, shortened
from delivery.models import Analysis, Delivery, PreparationRequest
from tests.delivery.worlds import delivery_of

from .conftest import Outcome

pytestmark = pytest.mark.django_db
Run = Callable[..., Outcome]
LONG = {"a word": "x" * 5000, "words": "long text " * 500, "escaped": "\x07" * 5000}


@pytest.mark.parametrize(
    "options",
    [
        ["--dry-run", "--background"],
        ["--background", "--dry-run", "--json"],
        ["--background", "--connections", "2"],
        ["--background", "--workers", "2"],
        ["--dry-run", "--connections", "2"],
        *(["--connections", number] for number in ("-1", "0", "65", "two", "1.5", "²")),
        *(["--workers", number] for number in ("-1", "65")),
    ],
    ids=" ".join,
)
def test_options_that_contradict_or_mean_nothing_are_refused(
    run: Run, options: list[str]
) -> None:
    delivery_of("News")
    done = run("analyse_delivery", "News", *options)
    assert done.code  # of a process it is 2, as below
    assert not done.out
    assert options[0] in done.err
    assert not PreparationRequest.objects.exists()
    assert not Analysis.objects.exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--dry-run", "--background"],
        ["--connections", "-1"],
        ["--background", "--workers=1"],
    ],
    ids=" ".join,
)
def test_a_script_sees_wrong_usage(shell: Run, options: list[str]) -> None:
    assert shell("analyse_delivery", "News", *options).code == 2


def test_a_label_is_trimmed(run: Run) -> None:
    done = run("create_delivery", "--label", "  May news\n", "--channel", "email")
    assert done.code == 0
    assert Delivery.objects.get().label == "May news"
    again = run("create_delivery", "--label", "May news ", "--channel", "email")
    assert (again.code, Delivery.objects.count()) == (1, 1)


@pytest.mark.parametrize("given", LONG.values(), ids=LONG)
@pytest.mark.parametrize(
    "command",
    [
        ["analyse_delivery", "{}"],
        ["create_delivery", "--channel", "email", "--label", "{}"],
        ["create_delivery", "--channel", "{}", "--label", "News"],
        ["create_delivery", "--channel=email", "--label=N", "--audience", "{}"],
        ["create_delivery", "--channel=email", "--label=N", "--contact-date", "{}"],
        ["opt_out", "{}", "--any"],
        ["explain_exclusion", "1", "{}"],
        ["record_error", "{}", "--channel", "email", "--type", "hard"],
        ["import_profiles", "{}"],
        ["analyse_delivery", "1", "--connections", "{}"],
        ["analyse_delivery", "1", "{}"],
    ],
    ids=" ".join,
)
def test_a_refusal_never_repeats_a_long_input(
    run: Run, command: list[str], given: str
) -> None:
    done = run(*(part.format(given) for part in command))
    assert done.code in (1, 2)
    assert len(done.err) < 1500


@pytest.mark.parametrize("given", LONG.values(), ids=LONG)
def test_a_message_keeps_its_own_words(given: str) -> None:
    told = shortened(f"There is no {given!r} here. Look elsewhere.", [given])
    assert told.startswith("There is no '")
    assert told.endswith("…' here. Look elsewhere.")
    assert len(told) <= LONGEST_ECHO + 40
