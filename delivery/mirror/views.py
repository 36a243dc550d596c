"""A mail in the browser: what its recipient got, to whoever has the link."""

from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse

from audiences import content_policy
from audiences.channels import Channel
from audiences.models import Profile
from audiences.pages.middleware import public
from audiences.visits.visit import Gone
from delivery.composing import (
    CannotCompose,
    Composer,
    Recipient,
    as_recipient,
    read_view_token,
)
from delivery.models import Delivery


class MailResponse(HttpResponse):
    """A page with a mail's own style and pictures, and without anything that runs."""

    policy = content_policy.of_mail()


@public
def view_in_browser(request: HttpRequest, token: str) -> HttpResponse:
    """The mail of a delivery as its recipient reads it; no request changes anything.

    While the link is fresh it says what the mail says of the person; later it says the
    fallbacks. Its links can only stop messages.
    """
    seen = read_view_token(token)
    rows = Delivery.objects.select_related("service", "sender")
    delivery = rows.filter(pk=seen.delivery_id, channel=Channel.EMAIL).first()
    profile = Profile.objects.filter(pk=seen.profile_id).first()
    if profile is None:
        raise Gone
    if delivery is None:
        raise Http404
    reader = as_recipient(profile)
    if not seen.is_fresh:
        reader = _unnamed(reader)
    try:
        composer = Composer(delivery, viewed_at=seen.signed_at)
    except CannotCompose as error:
        raise Http404 from error
    return MailResponse(composer.rendered(reader).html)


def _unnamed(reader: Recipient) -> Recipient:
    """The reader without any fact but the language."""
    return replace(reader, fields={"language": reader.language}, named=False)
