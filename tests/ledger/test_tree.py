"""Hashes and proofs are those of RFC 9162, and what we sign others can read."""

import hashlib
import random

import pytest
from django.conf import settings

from audiences.ledger import keys, notes, tree
from audiences.ledger.appending import Appending
from audiences.ledger.notes import BadNote, Checkpoint, VerifierKey
from audiences.ledger.stored_tree import Proofs
from audiences.models import LedgerLeaf, LedgerNode

SIZES = [*range(1, 18), 255, 256, 257, 511, 513, 700]
MOST = 700


def merkle(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162, 2.1.1 defines it, word for word."""
    if len(leaves) == 0:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    inner = b"\x01" + merkle(leaves[:k]) + merkle(leaves[k:])
    return hashlib.sha256(inner).digest()


def leaves(count: int) -> list[bytes]:
    return [f"leaf {number}".encode() for number in range(count)]


@pytest.mark.django_db
def test_stored_roots_and_proofs_are_those_of_the_rfc() -> None:
    data, chosen = leaves(MOST), random.Random(1)
    left = data
    while left:  # in batches of any length, as sealing appends them
        count = chosen.randint(1, 300)
        appending = Appending()
        for place, leaf in enumerate(left[:count], MOST - len(left)):
            appending.add(1, place, leaf)
        appending.flush()
        left = left[count:]
    assert LedgerLeaf.objects.count() == MOST
    assert LedgerNode.objects.count() == MOST // 256
    for size in SIZES:
        root, proofs, growing = merkle(data[:size]), Proofs(size), tree.Growing()
        for leaf in data[:size]:
            growing.add(tree.leaf_hash(leaf))
        assert proofs.root() == root == growing.root()
        assert tree.root([tree.leaf_hash(leaf) for leaf in data[:size]]) == root
        for place in {0, size // 2, size - 1}:
            proof, hash = proofs.inclusion(place), tree.leaf_hash(data[place])
            assert tree.expected_root(hash, place, size, proof) == root
            assert tree.expected_root(hash, place + 1, size, proof) != root
            assert tree.expected_root(hash, place, size, proof[:-1] or [root]) != root


@pytest.mark.django_db
def test_another_implementation_reads_notes_and_believes_proofs() -> None:
    aics = pytest.importorskip("aics_tlog")  # for Python 3.12 and later
    data = leaves(MOST)
    appending = Appending()
    for place, leaf in enumerate(data):
        appending.add(1, place, leaf)
    appending.flush()
    theirs = aics.MerkleTree(data)
    for size in SIZES:
        proofs = Proofs(size)
        assert proofs.root() == theirs.root(size)
        assert aics.verify_leaf_inclusion(
            data[size - 1], size - 1, size, proofs.inclusion(size - 1), proofs.root()
        )
        assert aics.verify_consistency(
            size, MOST, proofs.root(), theirs.root(), Proofs(MOST).consistency(size)
        )
    note = notes.sign(Checkpoint("a.example/ledger", MOST, theirs.root()), KEY)
    key = aics.parse_vkey(str(notes.verifier_key("a.example/ledger", KEY)))
    assert aics.verify_checkpoint(aics.parse_note(note), key, [], quorum=0).ok


KEY = keys.parsed("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
OTHER = keys.parsed("/" * 42 + "8=")


def note(**changed: str) -> str:
    text = notes.sign(Checkpoint("a.example/ledger", 7, bytes(32)), KEY)
    for old, new in changed.items():
        text = text.replace({"size": "\n7\n", "end": "\n\n"}.get(old, old), new)
    return text


def test_a_note_is_read_by_its_key_alone() -> None:
    mine = notes.verifier_key("a.example/ledger", KEY)
    assert VerifierKey.of(f" {mine}\n") == mine
    assert notes.read(note(), mine) == Checkpoint("a.example/ledger", 7, bytes(32))
    witness = note() + "\u2014 witness.example AAAAAAAA\n"
    assert notes.read(witness, mine).size == 7
    extended = note()[: note().index("\n\n")]
    assert "a.example" in extended


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (note(size="\n8\n"), "altered"),
        (note(size="\n07\n"), "no checkpoint"),
        (note(end="\n"), "no signed note"),
        (note()[:-20], "no signed note"),
        ("", "no signed note"),
        (notes.sign(Checkpoint("a.example/ledger", 7, bytes(32)), OTHER), "signed by"),
        (notes.sign(Checkpoint("b.example/ledger", 7, bytes(32)), KEY), "signed by"),
    ],
)
def test_another_note_is_refused(text: str, words: str) -> None:
    with pytest.raises(BadNote, match=words):
        notes.read(text, notes.verifier_key("a.example/ledger", KEY))


@pytest.mark.parametrize("text", ["", "a+b", "a+00000000+AAAA", "a+00000000+!"])
def test_another_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        VerifierKey.of(text)


def test_a_file_holds_several_notes() -> None:
    three = f"\n{note()}\n\n{note()}{note()}"
    assert notes.split(three) == [note()] * 3
    assert notes.split(note().replace("\n", "\r\n")) == [note()]
    assert notes.split("\n \n") == []


def test_a_key_is_32_bytes_in_base64() -> None:
    for text in ("", "short", "AAAA", "é"):
        with pytest.raises(keys.NoLedgerKey, match="LEDGER_KEY"):
            keys.parsed(text)
    settings.LEDGER_KEY = ""
    with pytest.raises(keys.NoLedgerKey, match="not set"):
        keys.signing_key()
