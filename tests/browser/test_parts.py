"""All parts of the console in one picture; and the search of the header by keyboard.

The picture is compared with the stored one in blocks, with a tolerance. Where letters
have other widths than they had there, blocks lie elsewhere: then the shares of the
colours are compared, for another font is no change of ours, and another colour is.
"""

import io
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngInfo

from tests.admin.conftest import World, world  # noqa: F401  (the fixture)
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401
from tests.browser.test_console import PASSWORD, Open, signed_in  # noqa: F401

from . import accessibility
from .accessibility import tab_to

STORED = Path(__file__).parents[1] / "data" / "parts.png"
REPORTS = Path(os.environ.get("PICTURE_REPORTS", "test-reports"))
# Blocks of so many pixels; how far a block may be from the stored one; how many may be.
BLOCK, FAR, MOST = 8, 28, 0.004
# With another font: how much of the picture may have another colour; the largest areas.
MOST_RECOLOURED, AREAS = 0.1, 12
METRICS = """() => {
  const pen = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(document.body);
  return ["400", "600"].map(weight => {
    pen.font = `${weight} 14px ${style.fontFamily}`;
    return pen.measureText("Campaign 0123456789 Wij").width.toFixed(1);
  }).join(" ");
}"""


def _blocks(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    small = (size[0] // BLOCK, size[1] // BLOCK)
    return picture.convert("RGB").resize(small, Image.Resampling.BOX)


def _difference(stored: Image.Image, now: Image.Image) -> tuple[float, Image.Image]:
    """The share of blocks that are far from the stored ones, and where they are."""
    size = (max(stored.width, now.width), max(stored.height, now.height))
    both = []
    for picture in (stored, now):
        whole = Image.new("RGB", size, "magenta")
        whole.paste(picture.convert("RGB"))
        both.append(_blocks(whole, size))
    apart = ImageChops.difference(*both)
    red, green, blue = apart.split()
    worst = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    marked = worst.point(lambda value: 255 if value > FAR else 0)
    far = marked.histogram()[255]
    return far / (marked.width * marked.height), marked


def _recoloured(stored: Image.Image, now: Image.Image) -> float:
    """The share of the picture in the stored one's areas of a colour that is less now.

    Wherever it lies: letters of other widths move what is around them.
    """

    def shares(picture: Image.Image) -> dict[Any, float]:
        small = picture.convert("RGB").quantize(64).convert("RGB")
        whole = small.width * small.height
        found = Counter[Any]()
        for count, (red, green, blue) in small.getcolors(65_536) or []:
            found[red // 12, green // 12, blue // 12] += count
        return {colour: count / whole for colour, count in found.items()}

    before, after = shares(stored), shares(now)
    largest = sorted(before, key=lambda colour: -before[colour])[:AREAS]
    return sum(max(0, before[one] - after.get(one, 0)) for one in largest)


def _report(stored: Image.Image, now: Image.Image, marked: Image.Image | None) -> str:
    """Keep what was, what is, and what differs; returns where they lie."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    pictures = {"before": stored, "after": now}
    if marked is not None:
        pictures["difference"] = marked.resize(now.size, Image.Resampling.NEAREST)
    for name, picture in pictures.items():
        picture.save(REPORTS / f"parts-{name}.png")
    return "\n".join(f"  {name}: {REPORTS}/parts-{name}.png" for name in pictures)


def test_parts_look_as_they_are_stored(
    signed_in: Open,  # noqa: F811
    world: World,  # noqa: F811
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    tab = signed_in("operator", width=1280)
    tab.goto(reverse("admin:parts"))
    accessibility.check(tab)
    metrics = tab.evaluate(METRICS)
    taken = tab.locator(".parts").screenshot(caret="initial")
    now = Image.open(io.BytesIO(taken))
    if os.environ.get("UPDATE_PICTURES"):
        about = PngInfo()
        about.add_text("metrics", metrics)
        now.convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(
            STORED, optimize=True, pnginfo=about
        )
    stored = Image.open(STORED)
    marked = None
    if stored.info.get("metrics") == metrics:
        (share, marked), most = _difference(stored, now), MOST
    else:
        share, most = _recoloured(stored, now), MOST_RECOLOURED
    if share > most:
        pytest.fail(
            f"{share:.2%} of the picture is another; docs/console-style.md says what to "
            f"do where it is meant.\n{_report(stored, now, marked)}"
        )


def test_anything_is_found_by_keyboard_from_any_page(
    signed_in: Open,  # noqa: F811
    world: World,  # noqa: F811
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    tab = signed_in("operator")
    for key in ("/", "Control+k"):
        tab.goto(reverse("admin:audiences_service_changelist"))
        tab.keyboard.press(key)
        assert tab.evaluate("document.activeElement.id") == "find"
        tab.keyboard.type("prepar")
        tab.wait_for_selector("#found a:has-text('Prepared')")
        accessibility.check(tab)
        tab.keyboard.press("ArrowDown")
        assert "Prepared" in tab.evaluate("document.activeElement.textContent")
        tab.keyboard.press("Escape")
        assert not tab.is_visible("#found")
    tab.keyboard.type("ed")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search/?q=prepared")
    accessibility.check(tab)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_help_rules_and_parts_are_accessible(
    scheme: str,
    width: int,
    signed_in: Open,  # noqa: F811
    world: World,  # noqa: F811
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    tab = signed_in("operator", scheme, width)
    for url in (
        reverse("admin:help_document", args=["rules"]),
        reverse("admin:delivery_delivery_rules", args=[world.prepared.pk]),
        reverse("admin:delivery_typologyrule_add"),
        reverse("admin:parts"),
    ):
        assert tab.goto(url).status == 200
        accessibility.check(tab)


def test_a_limit_is_made_in_four_acts(
    signed_in: Open,  # noqa: F811
    world: World,  # noqa: F811
) -> None:
    User.objects.create_superuser("operator", password=PASSWORD)
    tab = signed_in("operator")
    tab.goto(reverse("admin:delivery_delivery_content", args=[world.prepared.pk]))
    tab.click(".steps a:has-text('Rules')")
    tab.locator("#content-start").evaluate("it => it.focus()")  # past the menu
    tab_to(tab, "[name=maximum]")
    tab.keyboard.type("1")
    tab.click("[data-action=limit]")
    tab.wait_for_selector("tr:has-text('More than 1 in 7 days')")
    assert tab.locator(".steps li.done:has-text('Rules')").count() == 1
