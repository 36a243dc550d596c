"""Addresses for those who may not read them: enough to know one's own by."""

import re

from audiences.channels import Channel

DOTS = "\u2022\u2022\u2022"
_WORD = re.compile(r"[^\s<>\"'(),;:]+")
# Addresses that are no such word: with a name in quotes (RFC 5321, 4.1.2), or an at
# sign as addresses of pages, mails and people write it. Short parts, for a long text.
_PART = r"[^\s<>\"'(),;:=?&/@]"
_ODD = re.compile(
    rf'("[^"\r\n]{{1,64}}"@|{_PART}{{1,64}}(?:%40|=40|[\uff20\ufe6b]|[(\[{{]at[)\]}}]))'
    rf"({_PART}{{1,250}}\.[^\W\d_]{{2,}})",
    re.IGNORECASE,
)
# How the name of a host may end: what comes after it in a text is no address.
_ENDING = re.compile(r"[^\s!-,./:-@\[-`{-~]{0,63}")
_NUMBER = re.compile(r"\+?\d[\d\s().-]{6,}\d")


def masked(channel: str, address: str) -> str:
    """Enough of an address to know one's own, and too little for anybody else."""
    if channel == Channel.EMAIL:
        local, _at, domain = address.strip().rpartition("@")
        host, _dot, rest = domain.rpartition(".")
        ending = _ENDING.match(rest)
        if not (local and host and ending):
            return ""
        return f"{local[0]}{DOTS}@{host[0]}{DOTS}.{ending[0]}"
    if channel in (Channel.SMS, Channel.PHONE, Channel.FAX):
        digits = "".join(c for c in address if c.isdigit())
        return f"{DOTS}{digits[-2:]}" if len(digits) > 5 else ""
    return ""


def masked_text(text: str) -> str:
    """A text, such as a server's answer, with the addresses in it masked."""
    text = _ODD.sub(_odd, text)
    text = _WORD.sub(lambda m: _masked_word(m[0]), text)
    return _NUMBER.sub(lambda m: masked(Channel.SMS, m[0]) or DOTS, text)


def _odd(found: re.Match[str]) -> str:
    """The same as of any other address: how it begins, and its ending."""
    ending = found[2].rpartition(".")[2]
    return f"{found[1].lstrip(chr(34))[:1]}{DOTS}@{found[2][0]}{DOTS}.{ending}"


def masked_id(text: str) -> str:
    """An id of another system: as it is, unless it is somebody's address itself."""
    if text[:1] == "+":
        return masked(Channel.SMS, text) or DOTS
    return _masked_word(_ODD.sub(_odd, text))


def _masked_word(word: str) -> str:
    is_address = "@" in word[1:-1]
    return masked(Channel.EMAIL, word) or DOTS if is_address else word
