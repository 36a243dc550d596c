"""All parts of the console in one picture; and the search of the header by keyboard.

The picture is compared with the stored one in blocks, with a tolerance. Where letters
have other widths than they had there, blocks lie elsewhere: then each colour of an area
must still be there, for another font is no change of ours, and another colour is.
"""

import io
import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from PIL import Image, ImageChops
from PIL.ImageFilter import MaxFilter, MinFilter
from PIL.PngImagePlugin import PngInfo

from tests.admin.conftest import World
from tests.browser.test_admin_pages import browser, pytestmark  # noqa: F401
from tests.browser.test_console import PASSWORD, Open, signed_in  # noqa: F401

from . import accessibility
from .accessibility import tab_to

STORED = Path(__file__).parents[1] / "data" / "parts.png"
REPORTS = Path(os.environ.get("PICTURE_REPORTS", "test-reports"))
# Blocks of so many pixels; how far a block may be from the stored one; how many may be.
BLOCK, FAR, MOST = 8, 16, 0.001
# With another font: how much of one colour is an area, what is like it (the stored
# picture has 256 colours), and what share of it must still be there.
AREA, ALIKE, LEFT = 0.0004, 12, 0.25
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


def _gone(stored: Image.Image, now: Image.Image) -> list[Any]:
    """The colours of areas of the stored picture that are hardly to be found now.

    Wherever they lie: letters of other widths move what is around them.
    """
    after = _areas(now)

    def left_of(colour: Any) -> float:
        def is_like(other: Any) -> bool:
            pairs = zip(colour, other, strict=True)
            return max(abs(one - its) for one, its in pairs) <= ALIKE

        return sum(share for other, share in after.items() if is_like(other))

    return [
        colour
        for colour, share in _areas(stored).items()
        if share >= AREA and left_of(colour) < share * LEFT
    ]


def _areas(picture: Image.Image) -> dict[Any, float]:
    """How much is an area of each colour: no edge, no letter."""
    plain = picture.convert("RGB")
    least, most = (plain.filter(each(5)) for each in (MinFilter, MaxFilter))
    bands = ImageChops.difference(least, most).split()
    uneven = ImageChops.lighter(ImageChops.lighter(*bands[:2]), bands[2])
    even = uneven.point(lambda value: 0 if value else 255)
    whole = plain.width * plain.height
    areas = Image.composite(plain, Image.new("RGB", plain.size, "magenta"), even)
    counts = areas.getcolors(whole) or []
    return {c: count / whole for count, c in counts if c != (255, 0, 255)}


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
    world: World,
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
        now.convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(
            STORED, optimize=True, pnginfo=about
        )
    stored = Image.open(STORED)
    if stored.info.get("metrics") == metrics:
        share, marked = _difference(stored, now)
        said = f"{share:.2%} of the picture is another" if share > MOST else ""
    else:
        gone, marked = _gone(stored, now), None
        said = f"areas of these colours are gone: {gone}" if gone else ""
    if said:
        pytest.fail(
            f"{said}; docs/console-style.md says what to do where it is meant.\n"
            f"{_report(stored, now, marked)}"
        )


def test_anything_is_found_by_keyboard_from_any_page(
    signed_in: Open,  # noqa: F811
    world: World,
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
        tab.wait_for_timeout(500)  # no answer opens it again
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
    world: World,
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
    world: World,
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
