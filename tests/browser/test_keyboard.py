"""An operator without a mouse: what is shown can be reached, in its order, and left."""

import itertools
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from audiences.models import Audience, BulkAct, Profile
from tests.admin.conftest import World

from .accessibility import tab_to
from .test_admin_pages import browser, pytestmark  # noqa: F401
from .test_console import PASSWORD, Open, signed_in  # noqa: F401

MOST = 220
# Where the focus is, whether one sees it, and what of the content it has not reached.
HERE = """() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  window.seen = window.seen || new Set();
  const is_new = !window.seen.has(it);
  window.seen.add(it);
  const style = getComputedStyle(it), box = it.getBoundingClientRect();
  return {
    what: (it.name || it.id || it.textContent.trim()).slice(0, 60),
    is_new,
    is_shown: style.outlineStyle !== "none" || style.boxShadow !== "none"
      || it.tagName === "IFRAME",
    in_content: !!it.closest("#content"),
    top: box.top + scrollY, left: box.left, bottom: box.bottom + scrollY,
  };
}"""
LEFT_OUT = """() => {
  const kinds = "a[href], button, input, select, textarea, summary";
  return [...document.querySelectorAll(`#content :is(${kinds})`)]
    .filter((it) => it.checkVisibility({visibilityProperty: true}) && !it.disabled
      && it.type !== "hidden" && it.tabIndex >= 0 && !window.seen.has(it)
      && !(it.type === "radio"))
    .map((it) => it.outerHTML.slice(0, 120));
}"""


def _walk(tab: Any, url: str) -> None:
    """Tab through the page: the focus is seen, goes as one reads, and comes out."""
    tab.goto(url)
    tab.evaluate("document.activeElement.blur()")
    stops: list[dict[str, Any]] = []
    for _press in range(MOST):
        tab.keyboard.press("Tab")
        stop = tab.evaluate(HERE)
        if stop is None or not stop["is_new"]:
            break
        assert stop["is_shown"], f"{url}: {stop['what']} does not show its focus"
        stops.append(stop)
    else:
        raise AssertionError(f"{url}: the focus never comes out of the page")
    assert tab.evaluate(LEFT_OUT) == [], url
    inside = [stop for stop in stops if stop["in_content"]]
    for one, next_one in itertools.pairwise(inside):
        # Up again is only to the right: the next column.
        goes_back = next_one["bottom"] < one["top"] - 8
        assert not goes_back or next_one["left"] > one["left"], (url, one, next_one)


def _press(tab: Any, selector: str, key: str = "Enter") -> None:
    tab_to(tab, selector)
    tab.keyboard.press(key)


def _choose(tab: Any, selector: str, value: str) -> None:
    """Choose from a list with the arrow keys."""
    tab_to(tab, selector)
    tab.keyboard.press("Home")
    for _press in range(60):
        if tab.evaluate("document.activeElement.value") == value:
            return
        tab.keyboard.press("ArrowDown")
    raise AssertionError(f"{selector} has no {value}")


def _start(tab: Any) -> None:
    """As the skip link does: past the menu."""
    tab.locator("#content-start").evaluate("it => it.focus()")


def _builds_an_audience(tab: Any) -> None:
    tab.goto(reverse("admin:audiences_audience_add"))
    _start(tab)
    tab_to(tab, "[name=name]")
    tab.keyboard.type("Annas")
    _choose(tab, "[name=kind]", "condition")
    _choose(tab, "[name='condition.add']", "profile:first_name")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("[name='condition.0.key.operator']:focus")
    tab.keyboard.press("ArrowDown")
    tab_to(tab, "[name='condition.0.key.value']")
    tab.keyboard.type("Anna")
    tab.wait_for_selector("[data-matching]:has-text('7 profiles')")
    _press(tab, "[name=_save]")
    tab.wait_for_selector("text=“Annas” was made.")
    assert Audience.objects.get(name="Annas").condition


def _opts_somebody_out_and_undoes_it(tab: Any) -> None:
    tab.keyboard.press("/")
    tab.keyboard.type("Anna Vos")
    tab.wait_for_selector("#found a:has-text('Anna Vos')")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/profile/*/change/")
    _start(tab)
    _press(tab, "a[href$='/opt-out/']")
    tab.wait_for_selector("#id_note")
    _start(tab)
    _press(tab, "[name=scope]", "Space")
    _press(tab, "#id_note", "Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("text=Undo")
    assert Profile.objects.filter(no_longer_contact=True).exists()
    _start(tab)
    _press(tab, "form.undo button, .messagelist button")
    tab.wait_for_selector("text=Undone:")
    assert not Profile.objects.filter(no_longer_contact=True).exists()


def _changes_all_of_them(tab: Any) -> None:
    tab.goto(reverse("admin:audiences_profile_changelist"))
    _start(tab)
    _press(tab, "a[href*='/bulk/']")
    tab.wait_for_url("**/bulk/*")
    _start(tab)
    _press(tab, ".choices [data-action=opt_out]")
    tab.wait_for_selector("#id_scope")
    _start(tab)
    _choose(tab, "#id_scope", "fax")
    _press(tab, "[data-action=confirm]")
    tab.wait_for_selector("#work")
    assert BulkAct.objects.exists()


def test_an_operator_needs_no_mouse(
    signed_in: Open,  # noqa: F811
    world: World,
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    tab = signed_in("operator")
    _builds_an_audience(tab)
    _opts_somebody_out_and_undoes_it(tab)
    _changes_all_of_them(tab)
    built = Audience.objects.get(name="Annas")
    _walk(tab, reverse("admin:audiences_audience_change", args=[built.pk]))
    steps = ("content", "rules", "outcomes", "test", "send")
    for name in steps:
        page = f"admin:delivery_delivery_{name}"
        _walk(tab, reverse(page, args=[world.prepared.pk]))
    _walk(tab, reverse("admin:audiences_profile_change", args=[world.people[0].pk]))
