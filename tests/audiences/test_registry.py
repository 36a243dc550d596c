"""A registry: a name belongs to one thing, and nothing is replaced silently."""

import pytest

from audiences import conditions
from audiences.background import figures
from audiences.console import dashboard, navigation
from audiences.outbox.composing import Kind, composes
from audiences.registry import RegisteredTwice, Registry
from audiences.selections import acts
from delivery.feedback import intake
from delivery.rules import register, registered_rules


def test_things_keep_the_order_in_which_they_were_added() -> None:
    shelf: Registry[str, int] = Registry("book")
    assert shelf.add("b", 2) == 2
    shelf.add("a", 1)
    assert list(shelf.items()) == [("b", 2), ("a", 1)]


def test_a_name_that_is_taken_names_both() -> None:
    shelf: Registry[str, str] = Registry("book")
    shelf.add("b", "Bleak House")
    with pytest.raises(
        RegisteredTwice,
        match="the book 'b' is registered already: as Bleak House, and now as Beloved",
    ):
        shelf.add("b", "Beloved")
    assert shelf["b"] == "Bleak House"


def entry() -> navigation.Entry:
    return navigation.of_model(navigation.Section.LOGS, "Again", "delivery.message")


@pytest.mark.parametrize(
    "again",
    [
        lambda: conditions.register(conditions.nodes()[0]),
        lambda: figures.register("reach")(dict),
        lambda: composes(Kind.LINK)(lambda mail: mail.Result.SENT),
        lambda: acts.register(acts.find("opt_out")),
        lambda: dashboard.card(10, "")(lambda request, figures: dashboard.Card("", "")),
        lambda: navigation.add(entry()),
        lambda: register(registered_rules()[-1]),
        lambda: intake.register("mail", lambda item: intake.Findings()),
    ],
)
def test_what_is_there_is_never_replaced(again) -> None:
    with pytest.raises(RegisteredTwice, match="is registered already"):
        again()
