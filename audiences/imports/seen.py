"""Which people a file has named before, at few bytes each."""

from array import array

from .person_row import Row

# Among so many tables the names are spread; only one at a time grows.
_TABLES = 64
_SMALLEST = 512


class Seen:
    """Which external ids and emails the file has had, and in which line each.

    Tables of hashes of 64 bits, at 12 bytes a place, open to both sides of a collision:
    that two of a million names have the same one happens once in 30 million files.
    """

    def __init__(self) -> None:
        self._used = [0] * _TABLES
        self._hashes = [_places("q", _SMALLEST) for _number in range(_TABLES)]
        self._lines = [_places("I", _SMALLEST) for _number in range(_TABLES)]

    def earlier_line(self, row: Row) -> int:
        """The line that named the same person before, or 0; remembers this one.

        Asked again about the same row it says the same.
        """
        if row.external_id:
            return self._line(hash((1, row.external_id)), row.line)
        earlier = [self._line(hash((2, key)), row.line) for key in row.email_keys]
        return next(filter(None, earlier), 0)

    def mark(self, name: object, line: int) -> None:
        """Remember the first line that says something of what has the name."""
        self._line(hash(name), line)

    def line_of(self, name: object) -> int:
        """The line that was marked with the name, or 0."""
        held_as = hash(name) or 1
        hashes = self._hashes[held_as % _TABLES]
        place = held_as // _TABLES % len(hashes)
        while hashes[place] not in (0, held_as):
            place = place + 1 if place + 1 < len(hashes) else 0
        return self._lines[held_as % _TABLES][place] if hashes[place] else 0

    def _line(self, name: int, line: int) -> int:
        name, number = name or 1, name % _TABLES
        hashes = self._hashes[number]
        size = len(hashes)
        place = name // _TABLES % size
        while (held := hashes[place]) and held != name:
            place = place + 1 if place + 1 < size else 0
        if held:
            earlier = self._lines[number][place]
            return earlier if earlier != line else 0
        hashes[place], self._lines[number][place] = name, line
        self._used[number] += 1
        if self._used[number] * 5 > size * 4:
            self._grow(number)
        return 0

    def _grow(self, number: int) -> None:
        hashes, lines = self._hashes[number], self._lines[number]
        size = len(hashes) * 3 // 2
        self._used[number] = 0
        self._hashes[number] = _places("q", size)
        self._lines[number] = _places("I", size)
        for name, line in zip(hashes, lines, strict=True):
            if name:
                self._line(name, line)


def _places(kind: str, size: int) -> "array[int]":
    return array(kind, bytes(array(kind).itemsize * size))
