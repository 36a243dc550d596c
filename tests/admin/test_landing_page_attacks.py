"""What an operator may try to store in a page: nothing of it runs anywhere."""

import io
import struct
import zlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from audiences.landing_pages import logos
from audiences.models import LandingPage, LandingPageAsset, LandingPageVersion, Service

from .landing_pages import errors_of, made, picture, publish, save, url, what_runs

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

SCRIPT = "<script>alert(1)</script>"
TEXTS = [
    SCRIPT,
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "{% load x %}{{ settings.SECRET_KEY }}<b onclick=alert(1)>",
]
MARKDOWN = [
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "<javascript:alert(1)>",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:alert(1))",
    '[x](https://shop.example "onmouseover=alert(1)")',
    '[x](https://shop.example"onmouseover=alert(1))',
    "[a]: javascript:alert(1)\n\n[a]",
    '<div style="background:url(https://evil.example)">x</div>',
    "<iframe src=https://evil.example></iframe>",
    "<form action=https://evil.example><input name=password></form>",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
    "`<script>alert(1)</script>`",
    "    <script>alert(1)</script>",
    "```html\n<script>alert(1)</script>\n```",
    "<!--><script>alert(1)</script>-->",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
]
PLAIN_FIELDS = ("label", "text_en_title", "text_en_button")
MARKDOWN_FIELDS = (
    *("text_en_introduction", "text_en_agreement"),
    *("text_en_confirmation", "text_en_expired"),
)


def _everywhere(client: Client, page: LandingPage) -> list[tuple[str, str]]:
    """Every page that shows something of the landing page."""
    addresses = [
        *(url("changelist"), url("change", page.pk), url("preview", page.pk)),
        *(url(name, page.pk) for name in ("publish", "duplicate", "delete")),
        *(url("shown", page.pk, who) for who in ("link", "anybody", "late")),
        url("history", page.pk),
    ]
    found = [(address, client.get(address)) for address in addresses]
    found.append(("act", client.post(url("shown", page.pk, "link"), {"act": "1"})))
    publish(client, page)
    version = LandingPageVersion.objects.order_by("-id").first()
    assert version is not None
    name = "admin:audiences_landingpageversion"
    found += [
        (address, client.get(address))
        for address in (
            url("change", page.pk),
            url("unpublish", page.pk),
            reverse(f"{name}_changelist"),
            reverse(f"{name}_change", args=[version.pk]),
            reverse(f"{name}_shown", args=[version.pk, "link"]),
            f"/p/{page.slug}/",
        )
    ]
    for address, answer in found:
        assert answer.status_code in (200, 410), address
    return [(address, answer.content.decode()) for address, answer in found]


@pytest.mark.parametrize("text", TEXTS)
def test_texts_stay_texts(text: str, admin_client: Client) -> None:
    """In every field of the page at once, and as the label of a service."""
    Service.objects.create(slug="s", label=text, channel="email")
    _require_that_nothing_runs(admin_client, text, PLAIN_FIELDS)


@pytest.mark.parametrize("text", MARKDOWN)
def test_markdown_runs_nothing(text: str, admin_client: Client) -> None:
    _require_that_nothing_runs(admin_client, text)


def _require_that_nothing_runs(
    client: Client, text: str, fields: tuple[str, ...] = ()
) -> None:
    """What is saved in these fields, and as Markdown in all that take it."""
    page = made("preferences", needs_agreement=True)
    texts = dict.fromkeys(MARKDOWN_FIELDS, text) | dict.fromkeys(fields, text[:60])
    answer = save(client, page, **texts)
    assert answer.status_code == 302, errors_of(answer)
    page.refresh_from_db()
    assert not fields or page.label == text[:60].strip()
    for address, html in _everywhere(client, page):
        assert what_runs(html) == [], address
    live = client.post(url("markdown"), {"text": text})
    assert what_runs(live.content.decode()) == []


@pytest.mark.parametrize("text", TEXTS)
def test_errors_show_what_was_sent_as_text(text: str, admin_client: Client) -> None:
    page = made()
    fields = ("brand_colour", "channels", "opens_at", "reconciles_by", "seen_at")
    answer = save(admin_client, page, **dict.fromkeys(fields, text))
    assert answer.status_code == 200
    assert what_runs(answer.content.decode()) == []
    answer = admin_client.post(url("add"), {"slug": text, "kind": text, "label": text})
    assert what_runs(answer.content.decode()) == []
    query = {"as": "profile", "profile": text, "lang": text, "width": text}
    assert (
        what_runs(admin_client.get(url("preview", page.pk), query).content.decode())
        == []
    )


@pytest.mark.parametrize(
    "colour",
    [
        *("red", "#fff", "#12345g", "#1234567", "rgb(0,0,0)", " #123456\n"),
        "#123456;}body{background:url(https://evil.example)}",
        "expression(alert(1))",
        "#１２３４５６",
        "</style><script>alert(1)</script>",
    ],
)
@pytest.mark.parametrize(
    "field", ["brand_colour", "text_on_brand", "background_colour"]
)
def test_only_colours_are_colours(
    field: str, colour: str, admin_client: Client
) -> None:
    page = made()
    before = getattr(page, field)
    answer = save(admin_client, page, **{field: colour})
    page.refresh_from_db()
    if colour.strip() == "#123456" and field == "brand_colour":
        assert getattr(page, field) == "#123456"  # spaces around it are taken off
        return
    if answer.status_code == 200:
        assert errors_of(answer)
        assert getattr(page, field) == before
        assert what_runs(answer.content.decode()) == []
    else:
        assert getattr(page, field) == "#123456"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "\tjavascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://shop.example/",
        "//evil.example/",
        "/p/other/",
        "https:/evil.example",
        "https://",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://shop.example/ <script>",
        "mailto:a@example.com",
    ],
)
def test_afterwards_leads_to_web_addresses_only(
    address: str, admin_client: Client
) -> None:
    page = made()
    answer = save(admin_client, page, closed_redirect=address)
    assert answer.status_code == 200
    assert "closed_redirect" in errors_of(answer)
    assert what_runs(answer.content.decode()) == []
    page.refresh_from_db()
    assert page.closed_redirect == ""


def test_a_web_address_is_kept_and_shown_as_text(admin_client: Client) -> None:
    page = made()
    wanted = "https://shop.example/?a=1&b=%3Cscript%3E"
    assert save(admin_client, page, closed_redirect=wanted).status_code == 302
    page.refresh_from_db()
    assert page.closed_redirect == wanted
    for address, html in _everywhere(admin_client, page):
        assert what_runs(html) == [], address


# ---------------------------------------------------------------- logos
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


def _chunk(name: bytes, data: bytes) -> bytes:
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that claims to have side x side pixels."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    pixels = zlib.compress(bytes(1_000_000), 9)
    end = _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", pixels) + end


def _text_bomb() -> bytes:
    """A PNG with a text that grows to megabytes."""
    whole = picture()
    text = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5_000_000), 9))
    return whole[:33] + text + whole[33:]


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (SVG, "logo.svg", "not a PNG, JPEG or WebP"),
        (SVG, "logo.png", "not a PNG, JPEG or WebP"),
        (b"", "empty.png", "empty"),
        (b"GIF89a" + bytes(100), "logo.gif", "not a PNG, JPEG or WebP"),
        (b"\x89PNG\r\n\x1a\n", "cut.png", "not a PNG, JPEG or WebP"),
        (picture()[:60], "cut.png", "not a PNG, JPEG or WebP"),
        (b"%PDF-1.7" + picture(), "logo.png", "not a PNG, JPEG or WebP"),
        (b"<html><script>alert(1)</script>", "x.jpg", "not a PNG, JPEG or WebP"),
        (picture("PNG", (4001, 10)), "wide.png", "4000 by 4000"),
        (_bomb(50_000), "bomb.png", "PNG"),
        (_bomb(3_999), "bomb.png", "not a PNG, JPEG or WebP"),
        (_text_bomb(), "text.png", "not a PNG, JPEG or WebP"),
        (picture("BMP", (10, 10)), "logo.bmp", "not a PNG, JPEG or WebP"),
        (picture() + bytes(1_000_000), "big.png", "larger than 1 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_logo_is_refused_with_the_remedy(
    data: bytes, name: str, said: str, admin_client: Client
) -> None:
    page = made()
    upload = SimpleUploadedFile(name, data, "image/png")
    answer = save(admin_client, page, logo_upload=upload)
    assert answer.status_code == 200
    text = " ".join(errors_of(answer)["logo_upload"])
    assert said in text
    assert "Save it as a PNG" in text or said == "empty"
    assert not LandingPageAsset.objects.exists()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_of_a_file_that_is_also_something_else_only_pixels_stay(
    kind: str, admin_client: Client
) -> None:
    page = made()
    polyglot = picture(kind) + b"<script>alert(1)</script>PK\x03\x04"
    # Whatever the name and the type say, the bytes decide.
    upload = SimpleUploadedFile("logo.html", polyglot, "text/html")
    assert save(admin_client, page, logo_upload=upload).status_code == 302
    asset = LandingPageAsset.objects.get()
    assert b"script" not in bytes(asset.data)
    answer = admin_client.get(reverse("pages:logo", args=[asset.pk]))
    assert answer["Content-Type"] == logos.FORMATS[kind]
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_metadata_of_a_logo_is_left_out(admin_client: Client) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Comment", SCRIPT)
    stream = io.BytesIO()
    Image.new("RGB", (10, 10)).save(stream, "PNG", pnginfo=notes)
    page = made()
    upload = SimpleUploadedFile("l.png", stream.getvalue(), "image/png")
    save(admin_client, page, logo_upload=upload)
    assert b"script" not in bytes(LandingPageAsset.objects.get().data)


def test_the_check_finds_what_would_run() -> None:
    """The tests above could not fail otherwise."""
    attacks: dict[str, Any] = {
        "script": SCRIPT,
        "handler": "<img src=x onerror=alert(1)>",
        "link": '<a href="java\tscript:alert(1)">x</a>',
        "load": "<iframe src=https://evil.example></iframe>",
    }
    for name, html in attacks.items():
        assert what_runs(html), name
    assert what_runs('<a href="https://shop.example">x</a>&lt;script&gt;') == []
