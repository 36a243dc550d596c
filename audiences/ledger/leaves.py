"""What a leaf says: canonical JSON, from which its hash is made.

Canonical: RFC 8785. All our names are ASCII, sorted, and values are texts, whole
numbers or null, for which it means: no spaces, UTF-8, no needless escapes. Moments are
UTC with microseconds. The names of fields are those of docs/ledger.md.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any, NamedTuple


def canonical(data: Any) -> str:
    """JSON of texts, whole numbers, null, lists and objects as RFC 8785 writes it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(data: Any) -> bytes:
    """SHA-256 over canonical JSON."""
    return hashlib.sha256(_bytes(canonical(data))).digest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


# What `json.dumps` does with a text, without its other work.
_quoted: Callable[[str], str] = encode_basestring


def subject(salt: bytes, profile_id: int) -> bytes:
    """The name of a person in the ledger: nobody finds the person without the salt."""
    return hashlib.sha256(salt + str(profile_id).encode()).digest()


class Event(NamedTuple):
    """A consent event as the ledger reads it; moments are texts."""

    id: int
    profile_id: int
    at: str
    recorded_at: str | None
    kind: str
    channel: str
    service_id: int | None
    source: str
    wording: str
    delivery_id: int | None


def event_leaf(
    event: Event, subject: bytes, evidence: bytes | None, found_at: str | None
) -> bytes:
    """The leaf of an event. (Written by hand: millions are made in a row.)"""
    service, delivery = event.service_id, event.delivery_id
    proof = f'"{evidence.hex()}"' if evidence else "null"
    recorded = f'"{event.recorded_at}"' if event.recorded_at else "null"
    found = f'"{found_at}"' if found_at else "null"
    return _bytes(
        f'{{"channel":{_quoted(event.channel)}'
        f',"delivery":{"null" if delivery is None else delivery}'
        f',"event_time":"{event.at}","event_type":{_quoted(event.kind)}'
        f',"evidence":{proof},"found_at":{found}'
        f',"pii_principal_id":"{subject.hex()}"'
        f',"privacy_notice":{_quoted(event.wording)},"record_id":{event.id}'
        f',"recorded_time":{recorded}'
        f',"service":{"null" if service is None else service}'
        f',"source":{_quoted(event.source)},"type":"consent_event"}}'
    )


def evidence_digest(salt: bytes, event_id: int, facts: Sequence[str | None]) -> bytes:
    """What a leaf keeps of the evidence: nobody guesses it without the salt.

    `facts` are note, actor, IP address and browser.
    """
    note, actor, ip, browser = facts
    text = (
        f'{{"actor":{_quoted(actor or "")}'
        f',"ip":{"null" if ip is None else _quoted(ip)}'
        f',"note":{_quoted(note or "")},"record_id":{event_id}'
        f',"user_agent":{_quoted(browser or "")}}}'
    )
    return hashlib.sha256(salt + _bytes(text)).digest()


def wording_texts(content: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The texts of a wording in each language, without what is computed from them."""
    return {
        language: {name: text for name, text in texts.items() if name != "html"}
        for language, texts in content.get("texts", {}).items()
    }


def wording_leaf(
    name: str,
    content: Mapping[str, Any],
    *,
    published_at: str,
    published_by: str,
    found_at: str | None,
) -> bytes:
    """The leaf of a wording: one digest of all it says, one of each language's texts.

    So a receipt shows the texts of one language and proves them.
    """
    facts = {
        "content": digest({"content": content, "published_by": published_by}).hex(),
        "found_at": found_at,
        "privacy_notice": name,
        "published_time": published_at,
        "texts": {
            language: digest(texts).hex()
            for language, texts in wording_texts(content).items()
        },
        "type": "privacy_notice",
    }
    return _bytes(canonical(facts))


def erasure_leaf(
    pk: int, subject: bytes, at: str | None, found_at: str | None
) -> bytes:
    """The leaf of an erasure: that the person of this name is gone."""
    facts = {
        "event_time": at,
        "event_type": "erase",
        "found_at": found_at,
        "pii_principal_id": subject.hex(),
        "record_id": pk,
        "type": "erasure",
    }
    return _bytes(canonical(facts))


def removal_leaf(pk: int, at: str, before: str) -> bytes:
    """The leaf of a removal: that evidence recorded before a moment may be gone."""
    facts = {
        "event_time": at,
        "event_type": "remove_evidence",
        "record_id": pk,
        "recorded_before": before,
        "type": "removal",
    }
    return _bytes(canonical(facts))


def introduction_leaf(origin: str, at: str) -> bytes:
    """The first leaf: since when there is a ledger, and how it is called."""
    return _bytes(
        canonical({"event_time": at, "origin": origin, "type": "introduction"})
    )
