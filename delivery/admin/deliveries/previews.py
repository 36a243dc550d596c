"""The message as somebody reads it, while it is written: what was found, and the whole.

The composer makes it, as it makes what is sent; its links alone lead nowhere.
"""

from copy import copy
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _, gettext_noop

from audiences import profiles
from audiences.channels import Channel
from audiences.console.pages import Answer, PlainAdmin, page
from audiences.models import Profile
from audiences.records import console_log
from audiences.refusals import Refused
from audiences.wording import page_texts
from delivery import approvals, deliveries, rules
from delivery.composing import (
    CannotCompose,
    Composer,
    Rendered,
    Variant,
    as_recipient,
    example,
    headers,
)
from delivery.composing.contents import sender_of
from delivery.composing.writing import TEXTS
from delivery.models import Delivery, Sender
from delivery.rules import controls

# Where the links of our texts to start from lead.
EXAMPLE = "www.example.org"
# What somebody wrote is shown in a frame that runs nothing, and loads pictures alone.
FRAME_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "frame-ancestors 'self'; sandbox"
)


@dataclass(frozen=True)
class Shown:
    """A message as it is read, None where it cannot be made; and what was found."""

    said: Rendered | None
    sender: str
    errors: list[str]
    warnings: list[str]


@page(Delivery, "preview_new", "add", route="preview/")
@page(Delivery, "preview", "view")
def preview(
    admin: PlainAdmin, request: HttpRequest, kept: Delivery | None = None
) -> Answer:
    """What the form holds now, saved or not, for a profile or an example.

    The form is posted into a frame; nothing is stored.
    """
    delivery = kept or Delivery(channel=request.POST.get("channel", Channel.EMAIL))
    language = request.POST.get("language", "")[:35]
    draft = _draft(request, delivery, language)
    profile, problem = _profile(request)
    answer = TemplateResponse(
        request,
        "admin/delivery/delivery/preview.html",
        {
            "delivery": draft,
            "shown": shown(draft, language, profile),
            "profile": profile,
            "problem": problem,
            "elsewhere": kept
            and profile
            and _reads_another(delivery, language, profile),
            "is_sms": draft.channel == Channel.SMS,
            "is_email": draft.channel == Channel.EMAIL,
            "is_narrow": request.POST.get("preview_width") == "phone",
        },
    )
    answer["Content-Security-Policy"] = FRAME_POLICY
    answer["Cache-Control"] = "no-store"
    answer["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def shown(delivery: Delivery, language: str, profile: Profile | None) -> Shown:
    """What the delivery says in a language, as somebody reads it, saved or not."""
    errors: list[str] = []
    warnings: list[str] = []
    texts = [("", delivery)]
    for found in controls.inspect_texts(texts, rules.rows_of(delivery.typology)):
        is_error = found["severity"] == controls.Severity.ERROR
        (errors if is_error else warnings).append(controls.in_words(found))
    if EXAMPLE in delivery.content:
        text = _("Links of the template are still there ({host}): put in your own.")
        warnings.append(text.format(host=EXAMPLE))
    variant = Variant(language, *(getattr(delivery, name) for name in TEXTS))
    said, sender = None, ""
    try:
        _check_headers(delivery, errors)
        reader = as_recipient(profile) if profile else example(language)
        if delivery.channel == Channel.EMAIL:
            own = sender_of(delivery)
            sender = f"{own.name} <{own.address}>"
        said = Composer(delivery, draft=variant).rendered(reader)
    except CannotCompose as refused:
        errors.append(str(refused))
    return Shown(said, sender, errors, warnings)


def _check_headers(delivery: Delivery, errors: list[str]) -> None:
    """Headers that cannot be given are told, and do not keep the rest from view."""
    try:
        headers.own_headers(delivery.headers)
    except Refused as refused:
        errors.append(str(refused))
        delivery.headers = ""


def faults_of(delivery: Delivery, language: str) -> list[str]:
    """What keeps the saved text of a language from being sent."""
    texts = [text for text in controls.texts_of(delivery) if text[0] == language]
    found = controls.inspect_texts(texts, rules.rows_of(delivery.typology))
    return [f["text"] for f in found if f["severity"] == controls.Severity.ERROR]


def _draft(request: HttpRequest, kept: Delivery, language: str) -> Delivery:
    """The delivery with what the form holds; without a form, what is kept."""
    draft = copy(kept)
    for code, said in controls.texts_of(kept):
        if code == language:
            draft = copy(said)
    posted = request.POST
    for name in (*TEXTS, "headers"):
        if name in posted:
            text = posted[name].replace("\r\n", "\n").replace("\0", "")
            setattr(draft, name, text)
    if "sender" in posted:
        chosen = posted["sender"]
        known = Sender.objects.filter(pk=chosen) if _is_id(chosen) else None
        draft.sender = known.first() if known is not None else None
    return draft


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _reads_another(delivery: Delivery, language: str, profile: Profile) -> str:
    """In which other language this profile gets it, in words; empty for this one."""
    codes = list(delivery.variants.values_list("language", flat=True))
    if language and language not in codes:
        codes.append(language)
    own = page_texts.closest(profile.language or "", codes)
    if own == language:
        return ""
    return own or _("the text for everybody else")


def _profile(request: HttpRequest) -> tuple[Profile | None, str]:
    """The profile of whose words the preview is made, if somebody chose one."""
    text = request.POST.get("preview_profile", "").replace("\0", "").strip()
    if not text:
        return None, ""
    return found_profile(request, text)


def found_profile(request: HttpRequest, text: str) -> tuple[Profile | None, str]:
    """The one profile that a text names; or why there is none, in a sentence."""
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
    copied = deliveries.duplicate(delivery)
    approvals.written([copied], user=request.user)
    admin.log_addition(
        request,
        copied,
        console_log.kept(gettext_noop("A copy of “{label}”."), label=str(delivery)),
    )
    text = _("This is a copy of “{label}”: give it a name.")
    admin.message_user(request, text.format(label=delivery))
    return admin.go_back(copied)
