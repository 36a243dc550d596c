"""Which people a file has named before, at few bytes each."""

from array import array

from .person_row import Row

# Among so many tables the names are spread; only one at a time grows.
_TABLES = 64


class Seen:
    """Which external ids and emails the file has had, and in which line each.

    By hashes of 64 bits: that two of a million names have the same one happens once in
    30 million files.
    """

    def __init__(self) -> None:
        self._tables = [_Table() for _number in range(_TABLES)]

    def earlier_line(self, row: Row) -> int:
        """The line that named the same person before, or 0; remembers this one.

        Asked again about the same row it says the same.
        """
        if row.external_id:
            return self._line(hash((1, row.external_id)), row.line)
        earlier = [self._line(hash((2, key)), row.line) for key in row.email_keys]
        return next(filter(None, earlier), 0)

    def _line(self, name: int, line: int) -> int:
        return self._tables[name % _TABLES].line(name // _TABLES or 1, line)


class _Table:
    """Lines by hashes, open to both sides of a collision; 12 bytes a place."""

    def __init__(self) -> None:
        self._used = 0
        self._make(512)

    def line(self, name: int, line: int) -> int:
        """The line held under this hash, unless it is this one; else holds this."""
        hashes, size = self._hashes, self._size
        place = name % size
        while (held := hashes[place]) and held != name:
            place = place + 1 if place + 1 < size else 0
        if held:
            earlier = self._lines[place]
            return earlier if earlier != line else 0
        hashes[place], self._lines[place] = name, line
        self._used += 1
        if self._used * 5 > size * 4:
            self._grow()
        return 0

    def _make(self, size: int) -> None:
        self._hashes = array("q", bytes(8 * size))
        self._lines = array("I", bytes(array("I").itemsize * size))
        self._size = size

    def _grow(self) -> None:
        held = zip(self._hashes, self._lines, strict=True)
        self._used = 0
        self._make(self._size * 3 // 2)
        for name, line in held:
            if name:
                self.line(name, line)
