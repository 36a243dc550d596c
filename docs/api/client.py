"""A client of Campaign's API in one file, for Python 3.9 and later, without packages.

    from client import Campaign

    campaign = Campaign("https://campaign.example.org", "ck_…")
    campaign.opt_out(["addr:ann@example.org"], "email", source="webshop")
    for address, causes in campaign.contactable("email", ["ann@example.org"]).items():
        print(address, "yes" if not causes else causes)

What was not answered is sent again under the same Idempotency-Key, so it is done once.
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

MOST_ITEMS = 1000
TRIES = 5


class ApiError(Exception):
    """An error of the API (RFC 9457): `status`, `code`, and the whole `problem`."""

    def __init__(self, status, problem):
        self.status, self.problem = status, problem
        self.code = problem.get("code", "")
        super().__init__(f"{status} {problem.get('detail', '')}".strip())


class Campaign:
    """Calls of the API, with one key."""

    def __init__(self, site, key, timeout=30):
        self.base, self.key, self.timeout = f"{site.rstrip('/')}/api/v1/", key, timeout

    # ---------------------------------------------------------------- calls
    def call(self, method, path, body=None, **query):
        """The answer as data. Raises ApiError; waits where the API says so."""
        given = {name: value for name, value in query.items() if value is not None}
        url = self.base + path + (f"?{urlencode(given)}" if given else "")
        headers = {"Authorization": f"Bearer {self.key}"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        request = Request(url, data, headers, method=method)  # noqa: S310
        attempt = 0
        while True:
            attempt += 1
            wait = 2**attempt
            try:
                with urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                    return json.loads(answer.read() or b"null")
            except HTTPError as error:
                if error.code not in (429, 502, 503, 504) or attempt == TRIES:
                    raise ApiError(error.code, _problem(error)) from error
                wait = float(error.headers.get("Retry-After") or wait)
            except OSError:
                if attempt == TRIES:
                    raise
            time.sleep(min(wait, 60))

    def pages(self, path, **query):
        """The items of a list, page after page."""
        cursor = None
        while True:
            page = self.call("GET", path, cursor=cursor, **query)
            yield from page["items"]
            cursor = page["cursor"]
            if not cursor:
                return

    def bulk(self, path, items, name="items", **facts):
        """What became of each of any number of items, in their order."""
        done = []
        for start in range(0, len(items), MOST_ITEMS):
            body = {name: items[start : start + MOST_ITEMS], **facts}
            done += self.call("POST", path, body)["items"]
        return done

    # ---------------------------------------------------------------- people
    def profile(self, name):
        """One person, by id:…, ext:… or addr:…."""
        return self.call("GET", f"profiles/{quote(name, safe='')}")

    def create_profile(self, **facts):
        return self.call("POST", "profiles", facts)

    def opt_out(self, names, channel, **facts):
        """Opt people out; the result of each, in order."""
        return self._acts("consent", names, action="opt_out", channel=channel, **facts)

    def opt_in(self, names, channel, *, note, **facts):
        """Opt people in; the note says how they asked for it."""
        facts |= {"channel": channel, "note": note}
        return self._acts("consent", names, action="opt_in", **facts)

    def subscriptions(self, names, service, action, **facts):
        """`subscribe`, `request` (with double opt-in) or `unsubscribe` people."""
        facts |= {"service": service, "action": action}
        return self._acts("subscriptions", names, **facts)

    def _acts(self, path, names, **facts):
        return self.bulk(path, [{"profile": name, **facts} for name in names])

    def contactable(self, channel, addresses, **facts):
        """Why each address must not be contacted now; an empty list: it may."""
        items = self.bulk(
            "contactable", addresses, "addresses", channel=channel, **facts
        )
        return {item["address"]: item["causes"] for item in items}

    # ---------------------------------------------------------------- what happens
    def changes(self, cursor, types=None):
        """Changes behind a cursor ("" for all, "now" for none), and the next one."""
        query = {"since": cursor or None, "types": types, "limit": 1000}
        page = self.call("GET", "changes", **query)
        return page["items"], page["cursor"]


def verified(secret, headers, body, tolerance=300):
    """The change that a call of an endpoint tells, if the call is ours.

    `headers` by lower-case names, `body` as bytes. Raises ValueError.
    """
    message_id, at = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(at)) > tolerance:
        raise ValueError("The call is too old.")
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = f"{message_id}.{at}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [each.partition(",")[2] for each in headers["webhook-signature"].split()]
    if not any(hmac.compare_digest(each, wanted) for each in given):
        raise ValueError("The call is not signed by us.")
    return json.loads(body)


def _problem(error):
    try:
        return json.loads(error.read())
    except ValueError:
        return {}
