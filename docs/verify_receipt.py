"""verify_receipt.py RECEIPT CHECKPOINT PUBLIC_KEY: check a receipt without Campaign.

Needs Python, `cryptography`, no network. CHECKPOINT is a file with signed notes (C2SP)
that you trust, PUBLIC_KEY their verifier key. Exit code 1 with the reason of a refusal.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(data):
    return hashlib.sha256(data).digest()


def canonical(data):  # RFC 8785, for texts, whole numbers, null and objects of them
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def signed_roots(text, key):  # by their numbers of leaves; c2sp.org/signed-note
    name, key_hash, encoded = key.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    key_id = sha256(name.encode() + b"\n" + raw)[:4]
    if len(raw) != 33 or raw[0] != 1 or key_id.hex() != key_hash:
        raise ValueError("PUBLIC_KEY is no verifier key")
    public, roots, body = Ed25519PublicKey.from_public_bytes(raw[1:]), {}, ""
    for line in text.splitlines(keepends=True):
        if not line.startswith("\u2014 "):
            body = line if body.endswith("\n\n") else body + line
            continue
        signer, signature = line[2:].strip().rsplit(" ", 1)
        signature, note = base64.b64decode(signature), body[:-1].lstrip("\n")
        if (signer, signature[:4]) == (name, key_id):
            public.verify(signature[4:], note.encode())
            _origin, size, root = note.split("\n")[:3]
            roots[int(size)] = base64.b64decode(root, validate=True)
    if not roots:
        raise ValueError("CHECKPOINT has no note that this key has signed")
    return roots


def root_of(leaf, place, size, proof):  # RFC 9162, 2.1.3.2
    found, number, last = sha256(b"\0" + leaf), place, size - 1
    for step in (base64.b64decode(text, validate=True) for text in proof):
        if number & 1 or number == last:
            found = sha256(b"\1" + step + found)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            found = sha256(b"\1" + found + step)
        number, last = number >> 1, last >> 1
    return found if last == 0 and 0 <= place < size else None


def verify(receipt, checkpoint, key):  # noqa: C901  (read in one go, by others)
    roots, who = signed_roots(checkpoint, key), receipt["pii_principal"]
    size, words, said = int(receipt["checkpoint"].split("\n")[1]), {}, []
    if size not in roots:
        raise ValueError(f"it needs the checkpoint of {size} leaves, not {[*roots]}")
    salt, number = bytes.fromhex(who["salt"]), who["profile"]
    fits = len(salt) == 16 and type(number) is int  # else the 1 of 17 fits the salt
    subject = sha256(salt + str(number).encode()).hex() if fits else None
    for part in receipt["privacy_notices"] + receipt["consent_records"]:
        leaf = canonical(part["record"])
        if root_of(leaf, part["place"], size, part["proof"]) != roots[size]:
            raise ValueError("a record is not in the ledger that was signed")
    for notice in receipt["privacy_notices"]:
        digest = sha256(canonical(notice["texts"])).hex()
        if notice["record"]["texts"].get(notice["language"]) != digest:
            raise ValueError("a wording is not the one that was sealed")
        words[notice["record"]["privacy_notice"]] = repr(notice["texts"]["title"])
    for it in (part["record"] for part in receipt["consent_records"]):
        if it["pii_principal_id"] != subject or it["type"] != "consent_event":
            raise ValueError("a record is about another person")
        about = it["channel"] or f"service {it['service']}"
        text = f"{it['event_type']} of {about} at {it['event_time']} by {it['source']}"
        if name := it["privacy_notice"]:
            if name not in words and name not in receipt["unknown_notices"]:
                raise ValueError(f"the wording {name} is missing")
            text += f" under the words {words.get(name, 'not kept')} ({name})"
        text += f", recorded at {it['recorded_time']}" * bool(it["recorded_time"])
        said.append(text + f", as found on {it['found_at']}" * bool(it["found_at"]))
    if not said:
        raise ValueError("it has no record")
    signed = f"none of it altered since the checkpoint of {size} leaves was signed."
    return f"Profile {who['profile']}: {'; '.join(said)}; {signed}"


if __name__ == "__main__":
    try:
        given, notes = (Path(path).read_text("utf-8") for path in sys.argv[1:3])
        sys.stdout.write(verify(json.loads(given), notes, sys.argv[3]) + "\n")
    except Exception as error:  # whatever is cut, forged or altered is refused
        sys.exit(f"REFUSED: {type(error).__name__}: {error}")
