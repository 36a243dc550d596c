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
import urllib.error
import urllib.parse
import urllib.request
import uuid

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
        url = self.base + path + (f"?{urllib.parse.urlencode(given)}" if given else "")
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        if method == "POST":
            headers["Idempotency-Key"] = str(uuid.uuid4())
        attempt = 0
        while True:
            attempt += 1
            request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                    text = answer.read()
                    return json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                problem = _problem(error)
                if error.code not in (429, 502, 503, 504) or attempt == TRIES:
                    raise ApiError(error.code, problem) from error
                wait = float(error.headers.get("Retry-After") or 2**attempt)
            except OSError:
                if attempt == TRIES:
                    raise
                wait = 2**attempt
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

    def _bulk(self, path, items):
        for start in range(0, len(items), MOST_ITEMS):
            part = {"items": items[start : start + MOST_ITEMS]}
            yield from self.call("POST", path, part)["items"]

    # ---------------------------------------------------------------- people
    def profile(self, name):
        """One person, by id:…, ext:… or addr:…."""
        return self.call("GET", f"profiles/{urllib.parse.quote(name, safe='')}")

    def create_profile(self, **facts):
        return self.call("POST", "profiles", facts)

    def opt_out(self, names, channel, **facts):
        """Opt people out; the result of each, in order."""
        return self._consent(names, "opt_out", channel, facts)

    def opt_in(self, names, channel, *, note, **facts):
        """Opt people in; the note says how they asked for it."""
        return self._consent(names, "opt_in", channel, {"note": note, **facts})

    def _consent(self, names, action, channel, facts):
        items = [
            {"profile": name, "action": action, "channel": channel, **facts}
            for name in names
        ]
        return list(self._bulk("consent", items))

    def subscriptions(self, names, service, action, **facts):
        """`subscribe`, `request` (with double opt-in) or `unsubscribe` people."""
        items = [
            {"profile": name, "service": service, "action": action, **facts}
            for name in names
        ]
        return list(self._bulk("subscriptions", items))

    def contactable(self, channel, addresses, **facts):
        """Why each address must not be contacted now; an empty list: it may."""
        causes = {}
        for start in range(0, len(addresses), MOST_ITEMS):
            part = addresses[start : start + MOST_ITEMS]
            body = {"channel": channel, "addresses": part, **facts}
            for item in self.call("POST", "contactable", body)["items"]:
                causes[item["address"]] = item["causes"]
        return causes

    # ---------------------------------------------------------------- what happens
    def changes(self, cursor, types=""):
        """Changes behind a cursor ("" for all, "now" for none), and the next one."""
        query = {"since": cursor or None, "types": types or None, "limit": 1000}
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
    for given in headers["webhook-signature"].split():
        if hmac.compare_digest(given.partition(",")[2], wanted):
            return json.loads(body)
    raise ValueError("The call is not signed by us.")


def _problem(error):
    try:
        return json.loads(error.read())
    except ValueError:
        return {}
