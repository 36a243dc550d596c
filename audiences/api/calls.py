"""What all calls have in common: the key, its scope and limit, one act for one request.

A call that writes is one transaction. With an Idempotency-Key its answer is kept in
that same transaction; with `?dry_run=true` all of it is taken back before the answer.
"""

import inspect
import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException
from ninja import Router

from audiences import api_keys
from audiences.api import bodies
from audiences.api.answers import finish
from audiences.api.callers import KeyAuth, caller
from audiences.api.problems import Problem
from audiences.api_keys import Kept
from audiences.api_keys.answers import LONGEST
from audiences.sql.retries import again

View = Callable[..., HttpResponse]
DRY_RUN = "dry_run"
# The arguments that are no parameters of the address.
_BODIES = ("body", "file", "form")
_IN_PATH = re.compile(r"{(?:\w+:)?(\w+)}")


# ------------------------------------------------------------------ resources
class Resource:
    """One resource: its calls, each with its scope, in one table of addresses."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.router = Router(tags=[name])

    def get(self, path: str, answer: Any, **facts: Any) -> Callable[[View], View]:
        return self._call("GET", path, {200: answer}, "read", facts)

    def ask(self, path: str, answer: Any, **facts: Any) -> Callable[[View], View]:
        """A POST that changes nothing: its question is too long for an address."""
        return self._call("POST", path, {200: answer}, "read", facts)

    def post(
        self, path: str, answer: Any, status: int = 200, **facts: Any
    ) -> Callable[[View], View]:
        return self._call("POST", path, {status: answer}, "write", facts)

    def patch(self, path: str, answer: Any, **facts: Any) -> Callable[[View], View]:
        facts = {"matches": True, **facts}
        return self._call("PATCH", path, {200: answer}, "write", facts)

    def put(self, path: str, answer: Any, **facts: Any) -> Callable[[View], View]:
        facts = {"matches": True, **facts}
        return self._call("PUT", path, {200: answer}, "write", facts)

    def delete(self, path: str, **facts: Any) -> Callable[[View], View]:
        facts = {"matches": True, **facts}
        return self._call("DELETE", path, {204: None}, "write", facts)

    def _call(
        self, method: str, path: str, answers: Any, verb: str, facts: dict[str, Any]
    ) -> Callable[[View], View]:
        scope = f"{self.name}:{verb}"
        # Whether the call asks `require_match`.
        matches = facts.pop("matches", False)
        # Whether its answer has an ETag.
        tagged = facts.pop("tagged", matches and method != "DELETE")

        def keep(view: View) -> View:
            # Only an act can be tried, and be done once.
            once = _acting if verb == "write" else _asking
            run = _checked(
                *(once(view) if method == "POST" or verb == "write" else view, verb),
                in_path=set(_IN_PATH.findall(path)),
            )
            if verb == "write" and not matches:
                run = _without_tags(run)
            about = {"x-scope": scope, "x-if-match": matches, "x-tagged": tagged}
            about |= facts.pop("openapi_extra", {})
            adding = self.router.api_operation(
                [method],
                path,
                response=answers,
                auth=KeyAuth(scope),
                operation_id=f"{self.name.replace('-', '_')}_{view.__name__}",
                summary=(view.__doc__ or "").partition("\n")[0],
                openapi_extra=about,
                **facts,
            )
            adding(run)
            return view

        return keep


def _checked(view: View, verb: str, in_path: set[str]) -> View:
    """Refuse what no call has: unknown parameters, and characters nobody can keep.

    What the path names is no parameter behind the question mark: nobody would read it.
    """
    taken = {*inspect.signature(view).parameters} - {"request"}
    known = taken - {*_BODIES} - in_path | ({DRY_RUN} if verb == "write" else set())

    @wraps(view)
    def run(request: HttpRequest, **given: Any) -> HttpResponse:
        _check_parameters(request, known)
        texts = [(n, value) for n, value in given.items() if isinstance(value, str)]
        if "form" in taken:
            lists = request.POST.lists()
            texts += [(name, text) for name, found in lists for text in found]
        for name, text in texts:
            if not bodies.can_be_kept(text):
                raise bodies.bad_character(name)
        if request.method != "GET" and not taken & {*_BODIES}:
            bodies.refuse_any(request)
        return finish(request, view(request, **given))

    return run


def _without_tags(view: View) -> View:
    """Refuse a condition that the call would not ask (RFC 9110, 13.1.1)."""

    @wraps(view)
    def run(request: HttpRequest, **given: Any) -> HttpResponse:
        if request.headers.get("If-Match", "*").strip() not in ("", "*"):
            raise Problem(
                412,
                "What this call writes has no ETag.",
                field="If-Match",
                remedy="Leave it out.",
            )
        return view(request, **given)

    return run


def _check_parameters(request: HttpRequest, known: set[str]) -> None:
    """Refuse a parameter that the call has not, and one that is there twice."""
    for name, values in sorted(request.GET.lists()):
        if name not in known:
            raise Problem(
                422,
                f"There is no parameter {name!r}.",
                code="unknown_parameter",
                field=name,
                remedy=f"Parameters: {', '.join(sorted(known)) or 'none'}.",
            )
        if len(values) > 1:
            raise Problem(
                422,
                f"The parameter {name!r} is there more than once.",
                code="repeated_parameter",
                field=name,
                remedy="Send it once.",
            )


def _acting(view: View) -> View:
    """One transaction, done once for an Idempotency-Key, and taken back when tried."""

    @wraps(view)
    def run(request: HttpRequest, **given: Any) -> HttpResponse:
        name, is_dry = _key_of(request), _is_dry(request)
        print_ = _fingerprint(request)

        def once() -> HttpResponse:
            with transaction.atomic():
                if name and not is_dry:
                    kept = api_keys.again(caller(request).key, name, print_)
                    if kept:
                        return _again(kept)
                answer = view(request, **given)
                if is_dry:
                    transaction.set_rollback(True)
                    answer["Dry-Run"] = "true"
                    del answer["Location"]  # nothing was made or begun
                elif name:
                    api_keys.keep(caller(request).key, name, print_, _kept(answer))
                return answer

        try:
            return again(once)
        except IntegrityError:
            # Of two who make the same at once: the second sees it now, and is told so.
            return again(once)

    return run


def _asking(view: View) -> View:
    """A question under an Idempotency-Key: no other one, but answered anew."""

    @wraps(view)
    def run(request: HttpRequest, **given: Any) -> HttpResponse:
        name = _key_of(request)
        if not name:
            return view(request, **given)
        key, print_ = caller(request).key, _fingerprint(request)

        def once() -> HttpResponse:
            with transaction.atomic():
                kept = api_keys.again(key, name, print_)
                answer = view(request, **given)
                if not kept:
                    api_keys.keep(key, name, print_, Kept(answer.status_code, {}, ""))
            return answer

        return again(once)

    return run


def _fingerprint(request: HttpRequest) -> str:
    query = request.META.get("QUERY_STRING", "")
    body = _body_of(request)
    return api_keys.fingerprint(str(request.method), request.path, query, body)


def _body_of(request: HttpRequest) -> bytes:
    """What was sent; of a form, which is read already, its fields and files."""
    try:
        return request.body
    except RawPostDataException:
        parts = [repr(sorted(request.POST.lists())).encode()]
        for name, found in sorted(request.FILES.items()):
            file: Any = found
            digest = sha256()
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
            parts.append(f"{name}:{file.name}:{digest.hexdigest()}".encode())
        return b"\n".join(parts)


def _key_of(request: HttpRequest) -> str:
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return ""
    name = _as_utf8(given).strip()
    if not 1 <= len(name) <= LONGEST or not name.isprintable():
        raise Problem(
            422,
            f"An Idempotency-Key is 1 to {LONGEST} printable characters.",
            field="Idempotency-Key",
            remedy="Take a random one, such as a UUID, for each new request.",
        )
    return name


def _as_utf8(header: str) -> str:
    """A header as it was meant: a server reads each byte as a letter of Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _is_dry(request: HttpRequest) -> bool:
    text = request.GET.get(DRY_RUN, "false")
    if text not in ("true", "false"):
        raise Problem(
            422,
            "dry_run is true or false.",
            field=DRY_RUN,
            remedy="Send dry_run=true to try the call, or leave it out.",
        )
    return text == "true"


def _kept(answer: HttpResponse) -> Kept:
    headers = {name: answer[name] for name in ("ETag", "Location") if name in answer}
    return Kept(answer.status_code, headers, answer.content.decode())


def _again(kept: Kept) -> HttpResponse:
    answer = HttpResponse(
        kept.body,
        status=kept.status,
        content_type="application/json",
        headers=kept.headers,
    )
    answer["Idempotency-Replayed"] = "true"
    return answer
