"""The message as somebody would read it, while it is being written; and a duplicate."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from audiences import profiles
from audiences.channels import Channel
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import Profile
from delivery import approvals, content, deliveries
from delivery.models import Delivery

# What somebody wrote is shown in a frame that runs nothing and loads nothing.
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'self'; sandbox"
)


@page(Delivery, "preview_new", route="preview/")
@page(Delivery, "preview")
def preview(
    admin: PlainAdmin, request: HttpRequest, kept: Delivery | None = None
) -> Answer:
    """What the form holds now, saved or not, for a profile or an example.

    The form is posted into a frame; nothing is stored.
    """
    if not (admin.has_view_permission(request) or admin.has_add_permission(request)):
        raise PermissionDenied
    delivery = kept or Delivery()
    _take(request, delivery)
    profile, problem = _profile(request)
    answer = TemplateResponse(
        request,
        "admin/delivery/delivery/preview.html",
        {
            "delivery": delivery,
            "shown": content.preview(delivery, profile),
            "profile": profile,
            "problem": problem,
            "is_sms": delivery.channel == Channel.SMS,
            "is_email": delivery.channel == Channel.EMAIL,
        },
    )
    answer["Content-Security-Policy"] = FRAME_POLICY
    answer["Cache-Control"] = "no-store"
    answer["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _take(request: HttpRequest, delivery: Delivery) -> None:
    for name in ("subject", "content", "channel"):
        if name in request.POST:
            setattr(delivery, name, request.POST[name])


def _profile(request: HttpRequest) -> tuple[Profile | None, str]:
    """The profile of whose words the preview is made, if somebody chose one."""
    text = request.POST.get("preview_profile", "").replace("\0", "").strip()
    if not text:
        return None, ""
    if not request.user.has_perm("audiences.view_profile"):
        return None, _("You may not see profiles: this is an example.")
    found = sorted(profiles.find_ids([text])[text])
    if len(found) != 1:
        many = _("“{text}” names several profiles: give an id.")
        none = _("“{text}” names no profile.")
        return None, (many if found else none).format(text=text)
    return Profile.objects.filter(pk=found[0]).first(), ""


@page(Delivery, "duplicate", "view", "add", method="POST")
def duplicate(admin: PlainAdmin, request: HttpRequest, delivery: Delivery) -> Answer:
    """A new draft like this one; the operator goes on in its form."""
    if refusal := approvals.refusal(request.user, delivery):
        raise PermissionDenied(refusal)
    copy = deliveries.duplicate(delivery)
    approvals.written([copy], user=request.user)
    admin.log_addition(request, copy, f"A copy of {delivery}.")
    text = _("This is a copy of “{label}”: give it a name.")
    admin.message_user(request, text.format(label=delivery))
    return admin.go_back(copy)
