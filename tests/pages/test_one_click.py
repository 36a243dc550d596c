"""RFC 8058, clause by clause, over a raw connection to a running server."""

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from audiences import consent, links, subscriptions
from audiences.links import Link
from audiences.models import ConsentEvent, Profile
from tests.factories import BY_COMMAND, ProfileFactory

from .visitors import flags, history, news, subscriptions_of

pytestmark = pytest.mark.django_db(transaction=True)
BODY = b"List-Unsubscribe=One-Click"
URLENCODED = ("application/x-www-form-urlencoded", BODY)
MULTIPART = (
    'multipart/form-data; boundary="---x"',
    b'-----x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n-----x--\r\n",
)
ODD = {
    "urlencoded": URLENCODED,
    "multipart": MULTIPART,
    "with a charset": ("application/x-www-form-urlencoded; charset=utf-8", BODY),
    "line end after it": (URLENCODED[0], BODY + b"\r\n"),
    "plain text": ("text/plain", BODY),
    "no type": ("", BODY),
    "nothing": (URLENCODED[0], b""),
    "broken multipart": ("multipart/form-data", b"x"),
    "cut multipart": (MULTIPART[0], MULTIPART[1][:30]),
}


def raw(server: Any, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes and read the answer: status, headers in lower case, body."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as line:
        line.sendall(request)
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
    head, _gap, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(text.split(": ", 1) for text in lines)
    return int(first.split()[1]), {k.lower(): v for k, v in headers.items()}, body


def send(
    server: Any, method: str, path: str, kind: str = "", body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    if kind:
        lines.append(f"Content-Type: {kind}")
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return raw(server, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def path_of(profile: Profile, **facts: Any) -> str:
    return urlsplit(links.one_click_url(Link(profile.pk, **facts))).path


@pytest.mark.parametrize("form", ODD)
def test_one_post_unsubscribes_without_cookie_login_or_redirect(
    live_server: Any, form: str
) -> None:
    profile = ProfileFactory(email="a@example.com", sms="+31612345678")
    kind, body = ODD[form]
    path = path_of(profile, delivery_id=41)
    status, headers, _body = send(live_server, "POST", path, kind, body)
    assert status == 200
    assert "location" not in headers
    assert "set-cookie" not in headers
    assert flags(profile) == {"email"}
    event = ConsentEvent.objects.get()
    assert (event.source, event.delivery_id) == ("one_click", 41)


def test_a_link_made_for_a_service_ends_that_subscription_alone(
    live_server: Any,
) -> None:
    profile = ProfileFactory(email="a@example.com")
    first, second = news(), news(slug="offers")
    for service in (first, second):
        subscriptions.subscribe(profile, service, BY_COMMAND)
    path = path_of(profile, service_id=first.pk)
    assert send(live_server, "POST", path, *URLENCODED)[0] == 200
    assert (subscriptions_of(profile), flags(profile)) == ({"offers"}, set())


def test_the_same_address_serves_a_page_and_looking_changes_nothing(
    live_server: Any,
) -> None:
    profile = ProfileFactory(email="a@example.com")
    path = path_of(profile)
    for method in ("GET", "HEAD", "OPTIONS"):
        for _ in range(3):
            status, headers, body = send(live_server, method, path, *URLENCODED)
            assert status in (200, 204)
            assert "set-cookie" not in headers
        if method == "GET":
            assert headers["content-type"].startswith("text/html")
            assert b"<form" in body
            assert b"<script" not in body
            assert b"http-equiv" not in body
    assert history(profile) == []


def test_repeated_posts_are_answered_alike_and_act_once(live_server: Any) -> None:
    profile = ProfileFactory(email="a@example.com")
    statuses = [
        send(live_server, "POST", path_of(profile), *URLENCODED)[0] for _ in range(4)
    ]
    assert statuses == [200] * 4
    assert history(profile) == [("opt_out", "email")]


@pytest.mark.parametrize("ending", ["", "/", "?", "?utm_source=x", "/?x=1"])
def test_what_happens_to_the_end_of_an_address_does_not_matter(
    live_server: Any, ending: str
) -> None:
    profile = ProfileFactory(email="a@example.com")
    path = path_of(profile).rstrip("/") + ending
    assert send(live_server, "POST", path, *URLENCODED)[0] == 200
    assert flags(profile) == {"email"}


def test_a_part_of_the_address_that_cannot_be_forged_names_the_person(
    live_server: Any,
) -> None:
    victim = ProfileFactory(email="a@example.com")
    mine = path_of(ProfileFactory(email="b@example.com"))
    payload, stamp, signature = mine.split("/")[2].split(".")
    theirs = path_of(victim).split("/")[2].split(".")[0]
    status, _headers, _body = send(
        live_server, "POST", f"/u/{theirs}.{stamp}.{signature}/", *URLENCODED
    )
    assert status == 404
    assert payload != theirs
    assert flags(victim) == set()


def test_cookies_that_come_along_are_not_looked_at(live_server: Any) -> None:
    profile = ProfileFactory(email="a@example.com")
    request = (
        f"POST {path_of(profile)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Cookie: sessionid=x; csrftoken=y; django_language=nl\r\n"
        "Origin: https://mail.example\r\nReferer: https://mail.example/\r\n"
        f"Content-Type: {URLENCODED[0]}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    ).encode() + BODY
    status, headers, _body = raw(live_server, request)
    assert status == 200
    assert "set-cookie" not in headers
    assert flags(profile) == {"email"}


def test_an_opt_in_since_is_ended_again_by_the_same_link(live_server: Any) -> None:
    profile = ProfileFactory(email="a@example.com")
    path = path_of(profile)
    send(live_server, "POST", path, *URLENCODED)
    consent.opt_in(profile, "email", BY_COMMAND)
    send(live_server, "POST", path, *URLENCODED)
    assert flags(profile) == {"email"}
