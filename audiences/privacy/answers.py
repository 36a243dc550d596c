"""The answers to privacy requests: mails of our own, and the link to one's data.

The link leaves by mail alone, to the address that has proven who asks. It works while
that is an address of the person, for EDIT_LINK_DAYS; the data is put together when it
is fetched, so nothing of it is kept.
"""

import time
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from audiences import outbox
from audiences.addresses import Normalised
from audiences.channels import Channel
from audiences.links import BadLink
from audiences.links.signing import mark
from audiences.links.web_addresses import data_url, read_data_token, went_to
from audiences.models import Address, OutboxMail, PrivacyRequest, Profile
from audiences.outbox import Result, Words
from audiences.wording import page_texts

Kind, State = PrivacyRequest.Kind, PrivacyRequest.State


def address_for(request: PrivacyRequest) -> Address | None:
    """Where the answer goes: to the address that asked, else to the primary one."""
    held = Address.objects.filter(
        profile_id=request.profile_id, channel=Channel.EMAIL, is_valid=True
    )
    rows = list(held.order_by("-is_primary", "pk"))
    if request.sent_to:
        return next(
            (row for row in rows if went_to(request.sent_to, row.channel, row.key)),
            None,
        )
    return next((row for row in rows if row.is_primary), None)


def put(request: PrivacyRequest, profile: Profile) -> OutboxMail | None:
    """Let the answer leave; None when there is no address to send it to."""
    address = address_for(request)
    if address is None:
        return None
    return outbox.put(
        OutboxMail.Kind.PRIVACY,
        Normalised(address.value, address.key),
        language=request.language or profile.language,
        context={"privacy_request": request.pk, "profile": profile.pk},
        network="",
    )


def of(request: PrivacyRequest) -> QuerySet[OutboxMail]:
    """The answers to a request that the outbox still has."""
    return OutboxMail.objects.filter(
        kind=OutboxMail.Kind.PRIVACY, context__privacy_request=request.pk
    )


@outbox.composes(OutboxMail.Kind.PRIVACY)
def write(mail: OutboxMail) -> Words | Result:
    """In the worker: what was decided, in the person's language."""
    pk = mail.context["privacy_request"]
    request = PrivacyRequest.objects.filter(pk=pk).exclude(state=State.OPEN).first()
    if request is None:
        return Result.OUTDATED
    address = address_for(request)
    if address is None or address.key != mail.key:
        return Result.OUTDATED
    code = outbox.closest_language(mail.language)
    link = ""
    if request.kind == Kind.ACCESS and request.state == State.DONE:
        link = f"<{data_url(request.pk, mark(address.channel, address.key))}>"
    return outbox.words(
        code,
        f"mails.privacy_{_which(request)}",
        to=address.value,
        urls=link,
        what=page_texts.text(code, f"privacy.kinds.{request.kind}"),
        note=request.note,
        days=settings.EDIT_LINK_DAYS,
    )


def _which(request: PrivacyRequest) -> str:
    if request.state == State.REFUSED:
        return "refused"
    if request.kind == Kind.RESTRICTION and request.state == State.DONE:
        return "lifted"
    return request.kind


def fetched(token: str) -> Profile:
    """Whose data a link fetches; raises BadLink when it is too old or not theirs."""
    signed_at, request_id, sent_to = read_data_token(token)
    request = PrivacyRequest.objects.filter(
        pk=request_id, kind=Kind.ACCESS, state=State.DONE
    ).first()
    days = timedelta(days=settings.EDIT_LINK_DAYS)
    if request is None or time.time() - signed_at > days.total_seconds():
        raise BadLink
    held = Address.objects.filter(
        profile_id=request.profile_id, channel=Channel.EMAIL
    ).select_related("profile")
    for address in held:
        if went_to(sent_to, address.channel, address.key):
            return address.profile
    raise BadLink
