"""What a message is addressed to: the address that was checked, and no other."""

from audiences.channels import ADDRESS_KINDS, AddressKind, Channel


def as_sent(channel: str, value: str, key: str) -> str:
    """The address that leaves, of a stored value and its key.

    Of an email address the local part as stored (RFC 5321 2.4) and the domain of its
    key, which is ASCII (IDNA 2008, RFC 5891): a mail program that encodes a domain
    itself may still do so by IDNA 2003, where `straße.example` is another domain
    (RFC 5894 7.2). A number leaves as its key (E.164), anything else as stored.
    """
    kind = ADDRESS_KINDS[Channel(channel)]
    if kind == AddressKind.NUMBER:
        return key
    if kind == AddressKind.EMAIL:
        return f"{value.strip().rpartition('@')[0]}@{key.rpartition('@')[2]}"
    return value
