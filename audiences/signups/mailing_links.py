"""A mail with personal links, for anyone who asks for one by their address (L5)."""

from collections import defaultdict
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audiences import addresses, outbox
from audiences.addresses import InvalidAddress, Normalised
from audiences.channels import Channel
from audiences.links import Link, page_url
from audiences.links.web_addresses import sent
from audiences.models import Address, OutboxMail, Profile
from audiences.models.profiles import LONGEST_EXTERNAL_ID
from audiences.outbox import Result, Words, caps, put
from audiences.signups.requesting import FoundBy

# The name of the page on which people ask about their own data.
OWN_DATA = "your-data"
# The most profiles of one address that get their links in one mail.
MOST_LINKS = 20


# ----------------------------------------------------------------- a new personal link
def request_link(
    given: str,
    *,
    page: str,
    kind: str,
    language: str,
    network: str,
    found_by: str = FoundBy.EMAIL,
) -> bool:
    """Mail a personal link for a page to everyone who is known by an address.

    `given` is what the visitor typed, `found_by` what it is (the page's
    `reconciles_by`); `page` and `kind` are the slug and kind of the page that the link
    opens; `network` comes from `pages.visitors.network`. The visitor's language is
    that of the mail.

    Returns whether the request was taken: not when today's number is reached, for what
    was typed, known or not, or for the network. Raises InvalidAddress for what cannot
    be an address, which says nothing about profiles.
    """
    wanted = _normalised(found_by, given)
    with transaction.atomic():
        if not caps.allow(network, caps.subject_of(found_by, wanted.key)):
            return False
        put(
            OutboxMail.Kind.LINK,
            wanted,
            found_by=found_by,
            language=language,
            context={"page": page, "kind": kind},
            network=network,
        )
        return True


def was_just_asked(given: str, *, page: str, found_by: str) -> bool:
    """Whether the same link was asked for already: its form was sent twice."""
    key = _normalised(found_by, given).key
    since = timezone.now() - timedelta(minutes=settings.PROOF_OF_WORK_MINUTES)
    rows = OutboxMail.objects.filter(
        kind=OutboxMail.Kind.LINK, key=key, found_by=found_by, created_at__gte=since
    )
    return any(row.context["page"] == page for row in rows)


def _normalised(found_by: str, given: str) -> Normalised:
    if found_by == FoundBy.EXTERNAL_ID:
        value = given.strip()
        if not value:
            raise InvalidAddress(_("it is empty"))
        if len(value) > LONGEST_EXTERNAL_ID or addresses.unstorable(value):
            raise InvalidAddress(_("it cannot be kept"))
        return Normalised(value, value)
    return addresses.normalise(Channel(found_by), given)


@outbox.composes(OutboxMail.Kind.LINK)
def write_links(mail: OutboxMail) -> Words | Result:
    """In the worker: the personal links of everybody who has the address.

    It goes to the address as the oldest of them has it, never to what was typed.
    """
    if mail.found_by != FoundBy.EMAIL:
        return _forward(mail)
    holders = addresses.with_key(Channel.EMAIL, mail.key).order_by("profile_id")
    if "profiles" in mail.context:
        holders = holders.filter(profile_id__in=mail.context["profiles"])
    held = list(holders.values_list("profile_id", "value")[:MOST_LINKS])
    if not held:
        return Result.NOBODY
    channel = mail.context.get("channel", Channel.EMAIL)
    page, kind = mail.context["page"], mail.context["kind"]
    links = (Link(who, channel, page=page, kind=kind) for who, _value in held)
    urls = (page_url(sent(link, Channel.EMAIL, mail.key)) for link in links)
    return outbox.words(
        mail.language,
        _words(page, len(held)),
        to=held[0][1],
        urls="\n\n".join(f"<{url}>" for url in urls),
        days=settings.EDIT_LINK_DAYS,
    )


def _words(page: str, count: int) -> str:
    """Which words the mail has: about one's data, or for one person or several."""
    if page == OWN_DATA:
        return "mails.own_data"
    return "mails.link" if count == 1 else "mails.links"


def _forward(mail: OutboxMail) -> Result:
    """Known by a number that gets no mail: pass the request on to the email address.

    Each address that gets a mail in this way is counted like one that was typed.
    """
    by_sms = mail.found_by == FoundBy.SMS
    if by_sms:
        holders = addresses.with_key(Channel.SMS, mail.key).values("profile_id")
        profiles = Profile.objects.filter(pk__in=holders)
    else:
        profiles = Profile.objects.filter(external_id=mail.key)
    mailboxes: dict[tuple[str, str], list[int]] = defaultdict(list)
    rows = Address.objects.filter(
        profile__in=profiles, channel=Channel.EMAIL, is_primary=True, is_valid=True
    )
    for row in rows.order_by("key", "profile_id")[:MOST_LINKS]:
        mailboxes[row.key, row.value].append(row.profile_id)
    forwarded = False
    for (key, value), profile_ids in mailboxes.items():
        if caps.allow_address(caps.subject_of(Channel.EMAIL, key)):
            forwarded = True
            put(
                OutboxMail.Kind.LINK,
                Normalised(value, key),
                language=mail.language,
                context=mail.context
                | {
                    "profiles": profile_ids,
                    "channel": Channel.SMS if by_sms else Channel.EMAIL,
                },
                network=mail.network,
            )
    return Result.FORWARDED if forwarded else Result.NOBODY
