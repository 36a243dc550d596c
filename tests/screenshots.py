"""Take the pictures of the documentation anew: make screenshots

`ONLY=recipient` takes those alone whose names begin so.

A throwaway demo on a free port, the admin's main pages in a wide and a narrow window
and the pages of recipients on a phone, written to docs/images. Needs Playwright and Chromium (CHROMIUM names another one).
"""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from . import recipient_pictures

ROOT = Path(__file__).resolve().parents[1]
MANAGE = (sys.executable, str(ROOT / "manage.py"))
IMAGES = ROOT / "docs" / "images"
ONLY = os.environ.get("ONLY", "")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
# Windows, and the pages that are taken in each.
WINDOWS = {"wide": (1440, 900), "narrow": (390, 844)}
TALLEST = 1100
LARGEST = 300_000
DELIVERY = "Weekly newsletter, next edition"
AUDIENCE = "Readers who have not opted out"
CONDITION = {
    "node": "all",
    "of": [
        {"node": "profile", "field": "language", "operator": "is", "value": "nl"},
        {"node": "subscription", "service": "weekly"},
        {"node": "not", "of": {"node": "opted_out", "channel": "any"}},
    ],
}
# Opted out of email; another profile with the same address is not.
PROFILE = "P00200"
# Gets everything, and visits the pages of recipients.
VISITOR = "ext:P00045"
DRAFT = ("autumn", "--kind", "acquisition", "--label", "Autumn fair")
# A file that was uploaded and checked, and waits to be confirmed.
IMPORT = """
from audiences.imports import runs
run = runs.upload("spring.csv", [b'''klantnummer;voornaam;achternaam;e-mail;geen_email
P00001;Zoe;Parker;zoe@example.com;ja
P00002;;;sam@example.com;
N00001;Kees;van Dam;kees@example.com;nee
N00002;Ada;Bos;ada at example.com;
N00003;Bo;Mulder;bo@example.com;perhaps
'''], actor="admin")
runs.perform(run)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(folder: Path) -> Iterator[tuple[str, Path]]:
    """The address of a site with the demo, and its database."""
    database, port = folder / "demo.sqlite3", free_port()
    base = f"http://127.0.0.1:{port}"
    os.environ |= {
        "DATABASE_URL": f"sqlite:///{database}",
        "PHONE_REGION": "NL",
        "CONTACT_EMAIL": "help@example.org",
        "DEBUG": "1",
        "BASE_URL": base,
    }
    log = (folder / "demo.log").open("w")
    server = subprocess.Popen(
        [*MANAGE, "demo", "--port", str(port)], stdout=log, stderr=log
    )
    try:
        wait_for(f"{base}/admin/login/", server, folder / "demo.log")
        manage("create_page", *DRAFT)
        manage("shell", "-c", IMPORT)
        make_audience(folder)
        yield base, database
    finally:
        server.terminate()
        server.wait(timeout=30)
        log.close()


def manage(*arguments: str) -> str:
    """What a command prints, on the demo's database."""
    command = [*MANAGE, *arguments]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def make_audience(folder: Path) -> None:
    """An audience with a condition that has a group in it."""
    path = folder / "condition.json"
    path.write_text(json.dumps({"version": 1, "condition": CONDITION}))
    manage("create_audience", AUDIENCE, "--condition", str(path))


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"The demo ended:\n{log.read_text()[-3000:]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"The demo does not answer:\n{log.read_text()[-3000:]}")


def pages(database: Path) -> dict[str, str]:
    """The path of each picture's page."""
    with sqlite3.connect(database) as rows:
        (delivery,) = rows.execute(
            "SELECT id FROM delivery_delivery WHERE label = ?", [DELIVERY]
        ).fetchone()
        (audience,) = rows.execute(
            "SELECT id FROM audiences_audience WHERE name = ?", [AUDIENCE]
        ).fetchone()
        (profile,) = rows.execute(
            "SELECT id FROM audiences_profile WHERE external_id = ?", [PROFILE]
        ).fetchone()
        (landing_page,) = rows.execute(
            "SELECT id FROM audiences_landingpage WHERE slug = ?", ["preferences"]
        ).fetchone()
    builder = "/admin/audiences/landingpage"
    return {
        "home": "/admin/",
        "profile": f"/admin/audiences/profile/{profile}/change/",
        "profiles": "/admin/audiences/profile/?opted_out=email",
        "bulk": "/admin/audiences/profile/bulk/?opted_out=email&language=nl",
        "import": "/admin/audiences/importrun/1/change/",
        "proof": f"/admin/audiences/profile/{profile}/proof/",
        "deliveries": "/admin/delivery/delivery/",
        "outcomes": f"/admin/delivery/delivery/{delivery}/outcomes/",
        "compare": f"/admin/delivery/delivery/{delivery}/compare/",
        "audience": f"/admin/audiences/audience/{audience}/change/",
        "quarantine": "/admin/delivery/quarantineentry/",
        "landing-pages": f"{builder}/",
        "landing-page-new": f"{builder}/add/",
        "landing-page": f"{builder}/{landing_page}/change/",
        "landing-page-preview": f"{builder}/{landing_page}/preview/?width=phone",
    }


def sign_in(browser: Browser, base: str, size: tuple[int, int]) -> Page:
    page = browser.new_page(
        viewport={"width": size[0], "height": size[1]},
        locale="en-GB",
        color_scheme="light",
    )
    page.goto(f"{base}/admin/login/")
    name = next(name for name, window in WINDOWS.items() if window == size)
    take(page, IMAGES / f"sign-in-{name}.png")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "admin")
    page.click("[type=submit]")
    page.wait_for_url(f"{base}/admin/")
    return page


def take(page: Page, path: Path) -> None:
    """The whole page, cut off where it gets too tall for a document."""
    window = page.viewport_size
    assert window
    content = page.evaluate("document.documentElement.scrollHeight")
    height = min(int(content), TALLEST)
    page.set_viewport_size({"width": window["width"], "height": height})
    page.screenshot(path=path)
    page.set_viewport_size(window)
    overflow = page.evaluate("document.documentElement.scrollWidth") - window["width"]
    size = path.stat().st_size
    note = f"  ({overflow} px wider than the window)" if overflow > 0 else ""
    print(f"{path.relative_to(ROOT)}  {size / 1000:.0f} kB{note}")
    if size > LARGEST:
        raise SystemExit(f"{path.name} is larger than {LARGEST / 1000:.0f} kB.")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        demo(Path(folder)) as (base, database),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        wanted = {n: p for n, p in pages(database).items() if n.startswith(ONLY)}
        for name, size in WINDOWS.items() if wanted else ():
            page = sign_in(browser, base, size)
            for picture, path in wanted.items():
                answer = page.goto(f"{base}{path}")
                if answer is None or not answer.ok:
                    raise SystemExit(f"{path} cannot be shown: {answer}")
                take(page, IMAGES / f"{picture}-{name}.png")
        links = {
            "stop": manage("make_link", VISITOR, "stop-everything"),
            "preferences": manage("make_link", VISITOR, "preferences"),
        }
        is_wanted = "recipient".startswith(ONLY[: len("recipient")])
        for language in recipient_pictures.WIDTHS if is_wanted else ():
            visits = recipient_pictures.visit(browser, base, links, language)
            for picture, page in visits:
                take(page, IMAGES / f"recipient-{picture}-{language}.png")
        browser.close()


if __name__ == "__main__":
    main()
