"""How the bytes of a file become text, line by line.

Each line is UTF-8 when it is valid UTF-8, else Windows-1252: files grow by pasting.
Whoever knows better names the encoding. Memory does not grow with the file.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from django.utils.translation import gettext_noop as _

from audiences.refusals import Sentence

from .table import UnreadableFile

_BLOCK = 1 << 20
LINE_BY_LINE = "UTF-8 and Windows-1252"
# What people call an encoding that Python calls otherwise.
_OTHER_NAMES = {
    **dict.fromkeys(("mac", "macos", "apple", "mac-roman"), "mac_roman"),
    **dict.fromkeys(("dos", "oem", "pc850", "oem850"), "cp850"),
    **dict.fromkeys(("ansi", "windows", "excel"), "cp1252"),
    **dict.fromkeys(("utf8", "utf-8"), "utf-8-sig"),
}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABELS = {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}
# What é, ä and their like of DOS and Mac become as Windows-1252: signs that no word
# of a language has there.
_MISREAD = re.compile(
    "(?<=[a-zß-ÿ])[‚„‡ˆƒ‹¡¢¤ŠŽŸ]|(?<=[A-Za-zß-ÿ])[“”•](?=[a-zß-ÿ])"  # noqa: RUF001
)
# How many bytes the shortest letter has.
_WIDTHS = {"utf-16": 2, "utf-32": 4}
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Decoding:
    """The encoding of a file; `is_cut_off`: it ends within a letter."""

    codec: str
    notes: tuple[Sentence, ...] = ()
    is_cut_off: bool = False

    @property
    def label(self) -> str:
        return _LABELS.get(self.codec, self.codec)

    @contextmanager
    def lines(self, path: Path) -> Iterator[tuple[Iterator[str], TextIO]]:
        """The lines with their ends as they are, and the file, for its position."""
        if self.codec == LINE_BY_LINE:
            with path.open("rb") as file:
                yield _texts(file, self.is_cut_off), cast(TextIO, file)
        else:
            with path.open(encoding=self.codec, newline="") as text:
                yield text, text


def find_decoding(path: Path, encoding: str = "") -> Decoding:
    """How to read the file; raises UnreadableFile, and OSError."""
    if encoding:
        return _named(path, encoding)
    with path.open("rb") as file:
        start = file.read(4)
    for mark, codec in _MARKS:
        if start.startswith(mark):
            return _checked(path, codec)
    # Without a byte order mark UTF-16 shows by the zero byte of its first letter.
    if b"\x00" in start:
        raise UnreadableFile(
            _(
                "{path} seems to be UTF-16 without a byte order mark. Save it as "
                "UTF-8, or name its encoding (utf-16-le or utf-16-be)."
            ),
            path=path,
        )
    if _is_all(path, "utf-8-sig"):
        return Decoding("utf-8-sig")
    return _line_by_line(path)


def _named(path: Path, encoding: str) -> Decoding:
    plain = encoding.strip().casefold()
    plain = _OTHER_NAMES.get(plain, plain)
    try:
        found = codecs.lookup(plain)
        # Codecs such as rot13 turn no bytes into text.
        is_text = getattr(found, "_is_text_encoding", True)
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        raise UnreadableFile(
            _(
                "No encoding is named {name}. Known are utf-8, utf-16, cp1252 "
                "(Windows), cp850 (DOS), cp1250 (Central Europe), mac and others."
            ),
            name=repr(encoding),
        )
    return _checked(path, plain)


def _checked(path: Path, codec: str) -> Decoding:
    if not _is_all(path, codec):
        if path.stat().st_size % _WIDTHS.get(codec, 1):
            raise UnreadableFile(
                _("{path} ends within a letter: it was cut off. Get the whole file."),
                path=path,
            )
        line = _first_bad_line(path, codec)
        raise UnreadableFile(
            _(
                "{path}, line {line} is not {encoding}. Name another encoding, or save "
                "the file as UTF-8 and try again."
            ),
            path=path,
            line=line,
            encoding=Decoding(codec).label,
        )
    return Decoding(codec)


def _is_all(path: Path, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except (UnicodeError, ValueError):
            return False
    return True


def _first_bad_line(path: Path, codec: str) -> int:
    """The line that is not in the encoding; the first for those of several bytes."""
    with path.open("rb") as file:
        for number, line in enumerate(_byte_lines(file), 1):
            try:
                line.decode(codec)
            except (UnicodeError, ValueError):
                return number
    return 1


def _line_by_line(path: Path) -> Decoding:
    """Look at each line that is not ASCII; raises UnreadableFile."""
    utf8, windows, last, is_cut_off = 0, [], b"", False
    odd: list[Sentence] = []
    with path.open("rb") as file:
        number = 0
        for number, line in enumerate(_byte_lines(file), 1):
            last = line
            if line.isascii():
                continue
            if _is_utf8(line):
                utf8 += not line.removeprefix(codecs.BOM_UTF8).isascii()
            else:
                windows.append(number)
                odd = odd or _misread(number, line)
    if _ends_within_a_letter(last, bool(utf8) and windows == [number]):
        is_cut_off = True
        windows.pop()
    else:
        _require_windows_1252(path)
    notes = [_cut_off(number)] if is_cut_off else []
    if windows and utf8:
        notes.append(_both_kinds(windows))
    if not utf8 and not is_cut_off:
        return Decoding("cp1252", tuple(odd))
    notes += odd
    return Decoding(LINE_BY_LINE, tuple(notes), is_cut_off)


def _misread(line: int, data: bytes) -> list[Sentence]:
    """What is to be said of a word that looks like one of another encoding."""
    text = data.decode("cp1252", "replace")
    found = _MISREAD.search(text)
    if not found:
        return []
    begin, end = max(found.start() - 10, 0), found.end() + 10
    said = _(
        "Line {line} has {text}: that looks like another encoding (cp850, mac). Name "
        "it if it is one."
    )
    return [Sentence(said, {"line": line, "text": repr(text[begin:end].strip())})]


def _cut_off(line: int) -> Sentence:
    return Sentence(
        _("The file ends within a letter, in line {line}: it was cut off."),
        {"line": line},
    )


def _both_kinds(lines: list[int]) -> Sentence:
    listed = ", ".join(map(str, lines[:_LISTED]))
    if len(lines) > _LISTED:
        listed += ", …"
    return Sentence(
        _(
            "The file has lines in two encodings. Not UTF-8 and read as Windows-1252: "
            "line {lines} ({count} in all)."
        ),
        {"lines": listed, "count": len(lines)},
    )


def _ends_within_a_letter(last: bytes, rest_is_utf8: bool) -> bool:
    """Whether the last line breaks off in the middle of a letter of UTF-8.

    A single é at the end of a Windows-1252 file looks the same: what the rest of the
    file is decides, or whether the letter would make sense there.
    """
    try:
        last.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            return False
        begun = last[error.start :]
        before = last[: error.start].decode("utf-8", "ignore")[-1:]
        is_odd = b"\xc2" <= begun <= b"\xc5" and before.islower()
        return rest_is_utf8 or len(begun) > 1 or is_odd
    return False


def _require_windows_1252(path: Path) -> None:
    with path.open("rb") as file:
        for number, line in enumerate(_byte_lines(file), 1):
            if line.isascii() or _is_utf8(line):
                continue
            try:
                line.decode("cp1252")
            except UnicodeDecodeError as error:
                raise UnreadableFile(
                    _(
                        "{path}, line {line}: byte {byte} is neither UTF-8 nor "
                        "Windows-1252. Name the encoding, or save the file as UTF-8 "
                        "and try again."
                    ),
                    path=path,
                    line=number,
                    byte=f"0x{line[error.start]:02x}",
                ) from error


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _byte_lines(file: object) -> Iterator[bytes]:
    """The lines of a binary file; \\n, \\r and \\r\\n end one, as in text files."""
    rest = b""
    while block := file.read(_BLOCK):  # type: ignore[attr-defined]
        *lines, rest = (rest + block).splitlines(keepends=True)
        yield from lines
        # A block may end between \r and \n.
        if rest.endswith(b"\n"):
            yield rest
            rest = b""
    yield from rest.splitlines(keepends=True)


def _texts(file: object, is_cut_off: bool) -> Iterator[str]:
    """The lines as text; one that is cut off ends in a replacement character."""
    held: bytes | None = None
    for line in _byte_lines(file):
        if held is not None:
            yield _text_of(held)
        held = line
    if held is not None:
        yield held.decode("utf-8", "replace") if is_cut_off else _text_of(held)


def _text_of(line: bytes) -> str:
    line = line.removeprefix(codecs.BOM_UTF8)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252")
