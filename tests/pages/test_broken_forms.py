"""Forms that arrive broken, slow or in another way: they never say what nobody said."""

import io
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, InternalError
from django.test import RequestFactory

from audiences.models import Profile
from audiences.pages import views
from audiences.pages.middleware import PublicPages
from tests.factories import ProfileFactory

from .visitors import browser, flags, history, news, one_click_path, page, path_to

pytestmark = pytest.mark.django_db
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nb\r\n'
UNREADABLE: dict[str, tuple[str, bytes]] = {
    "too many fields": (URLENCODED, b"&".join([b"a"] * 40_000)),
    "too many files": (MULTIPART, FILE * 150 + b"--x--\r\n"),
    "cut off": (URLENCODED, b"act=1&chan"),
    "another type": ("application/json", b'{"channels": ["email"]}'),
}


@pytest.fixture
def anna() -> Profile:
    made: Profile = ProfileFactory(email="anna@example.com")
    return made


def post(path: str, kind: str, body: bytes, **headers: str) -> Any:
    more: dict[str, Any] = {}
    if body.endswith(b"&chan"):
        more = {"CONTENT_LENGTH": "200", "wsgi.input": io.BytesIO(body)}
    return browser(**headers).generic("POST", path, body, content_type=kind, **more)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_form_that_cannot_be_read_opts_out_by_its_link_alone(
    anna: Profile, name: str
) -> None:
    answer = post(one_click_path(anna), *UNREADABLE[name])
    assert answer.status_code == 200
    assert flags(anna) == {"email"}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("kind", ["preferences", "subscription"])
def test_a_form_that_cannot_be_read_ticks_and_unticks_nothing(
    anna: Profile, kind: str, name: str
) -> None:
    made = page(kind, service=news() if kind == "subscription" else None)
    answer = post(path_to(made, anna), *UNREADABLE[name])
    assert b'name="act"' in answer.content
    assert history(anna) == []


def test_a_form_sent_in_chunks_which_no_server_reads_unticks_nothing(
    anna: Profile,
) -> None:
    path = path_to(page("preferences"), anna)
    post(path, URLENCODED, b"", **{"Transfer-Encoding": "chunked"})
    assert history(anna) == []


@pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "hex", "undefined"])
@pytest.mark.parametrize("kind", [URLENCODED, MULTIPART])
def test_no_charset_keeps_anybody_from_opting_out(
    anna: Profile, kind: str, charset: str
) -> None:
    path = one_click_path(anna)
    typed = f"{kind}; charset={charset}"
    got = browser().generic("GET", f"{path}?lang=nl", b"", content_type=typed)
    assert got.status_code == 200
    body = b"List-Unsubscribe=One-Click" if kind == URLENCODED else FILE + b"--x--\r\n"
    assert post(path, typed, body).status_code == 200
    assert flags(anna) == {"email"}


def test_a_slow_form_is_awaited_before_anything_is_locked(
    anna: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    class Slow(io.BytesIO):
        def read(self, *args: Any) -> bytes:
            order.append("body")
            return super().read(*args)

    identified = views.identified

    def locked(*args: Any, **kwargs: Any) -> Any:
        order.append("lock")
        return identified(*args, **kwargs)

    monkeypatch.setattr(views, "identified", locked)
    path = path_to(page("preferences"), anna)
    request = RequestFactory().post(
        path,
        content_type=URLENCODED,
        **{"wsgi.input": Slow(b"act=1"), "CONTENT_LENGTH": "5"},
    )
    _p, slug, token = path.strip("/").split("/")
    views.personal(request, slug=slug, token=token)
    assert "body" in order
    assert order[order.index("lock") :] == ["lock"]


@pytest.mark.parametrize("error", [InterfaceError, InternalError])
def test_every_way_to_be_without_a_database_is_answered_by_try_again(
    error: type[DatabaseError],
) -> None:
    request = RequestFactory().post("/u/x/")
    middleware = PublicPages(views.elsewhere)
    answer = middleware.process_exception(request, error("closed"))
    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
