"""What this app, and what Django and its packages, have about people."""

from collections.abc import Iterable, Iterator

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from audiences import fields
from audiences.api_keys import accounts
from audiences.models import (
    Address,
    ApiAnswer,
    Audience,
    AudienceMember,
    BulkAct,
    BulkActPerson,
    ConsentEvent,
    ConsentEvidence,
    ContactWish,
    EndpointCall,
    ErasureRun,
    FieldValue,
    Happening,
    ImportContent,
    ImportReject,
    ImportRun,
    LeavingReason,
    OutboxMail,
    PrivacyRequest,
    Profile,
    ProfileTag,
    SignupRequest,
    Subscription,
    Suppression,
    Tag,
)
from audiences.records import console_log, proof

from . import imported
from .people import Person, former_addresses
from .places import Facts, Place, register


def _profile(person: Person) -> QuerySet[Profile]:
    return Profile.objects.filter(pk=person.pk)


def _addresses(person: Person) -> QuerySet[Address]:
    return Address.objects.filter(profile=person.pk).order_by("channel", "-is_primary")


def _own_fields(person: Person) -> Iterator[Facts]:
    """Those that say something about a person; what is about a shop does not."""
    rows = FieldValue.objects.filter(profile=person.pk, field__is_personal=True)
    have = fields.values_of([person.pk]).get(person.pk, {})
    for row in rows.select_related("field").order_by("field__label"):
        yield {
            "field": row.field.label,
            "value": fields.as_text(have[row.field.slug]),
        }


def _history(person: Person) -> list[Facts]:
    known = proof.of(person.profile)
    return [*known["history"]]


def _wordings(person: Person) -> Iterator[Facts]:
    for name, wording in proof.of(person.profile)["wordings"].items():
        yield {"wording_version": name, **wording}


def _mails(person: Person) -> QuerySet[OutboxMail]:
    """Mails to an address of the person, found by a number, or for the profile.

    A number of ours stands in the same column as an address.
    """
    keys = [key for _channel, key in person.about]
    if person.profile.external_id:
        keys.append(person.profile.external_id)
    asked = PrivacyRequest.objects.filter(profile_id=person.pk).values_list(
        "pk", flat=True
    )
    return OutboxMail.objects.filter(
        Q(key__in=keys)
        | Q(context__profile=person.pk)
        | Q(context__privacy_request__in=[*asked])
    )


def _signups(person: Person) -> QuerySet[SignupRequest]:
    keys = [key for _channel, key in person.about]
    return SignupRequest.objects.filter(Q(key__in=keys) | Q(profile_id=person.pk))


def _log(person: Person) -> QuerySet[LogEntry]:
    """What operators did on the pages of the person."""
    rows = LogEntry.objects.filter(content_type=_kind_of_people())
    return rows.filter(object_id=str(person.pk))


def _what_operators_wrote() -> Q:
    """What keys do about people is said in our words, on the page of the person.

    By numbers, which indexes of the log know: there may be millions of such rows.
    """
    others = ContentType.objects.exclude(pk=_kind_of_people().pk)
    operators = User.objects.exclude(pk__in=accounts.every())
    return (
        Q(user__in=[*operators.values_list("pk", flat=True)])
        | Q(content_type__in=[*others.values_list("pk", flat=True)])
        | Q(content_type=None)
    )


def _kind_of_people() -> ContentType:
    return ContentType.objects.get_for_model(Profile)


def _happenings(person: Person) -> QuerySet[Happening]:
    about = Q(profile_id=person.pk)
    for channel, key in person.about:
        about |= Q(channel=channel, key=key)
    return Happening.objects.filter(about)


def _requests(person: Person) -> QuerySet[PrivacyRequest]:
    return PrivacyRequest.objects.filter(profile_id=person.pk)


def _former(profile: Profile) -> Iterable[tuple[str, str]]:
    mails = OutboxMail.objects.filter(context__profile=profile.pk)
    # An address that nobody has confirmed may be somebody else's.
    theirs = ~Q(kind=OutboxMail.Kind.ADDRESS) | Q(context__answered=True)
    mails = mails.filter(theirs)
    yield from mails.values_list("channel", "key")
    signups = SignupRequest.objects.filter(profile_id=profile.pk).exclude(email="")
    yield from (("email", email) for email in signups.values_list("email", flat=True))


former_addresses("mails and sign-ups", _former)
register(
    Place(
        model=Profile,
        find=_profile,
        show=(
            *("id", "external_id", "first_name", "last_name", "language", "country"),
            *("message_limit", "created_at", "no_longer_contact"),
            *("no_longer_contact_email", "no_longer_contact_sms"),
            *("no_longer_contact_phone", "no_longer_contact_direct_mail"),
            *("no_longer_contact_push", "no_longer_contact_fax"),
        ),
    ),
    Place(
        model=Address,
        find=_addresses,
        show=("channel", "value", "is_primary", "is_valid", "quarantine_status"),
    ),
    Place(
        model=FieldValue,
        find=lambda person: FieldValue.objects.filter(profile=person.pk),
        facts=_own_fields,
        erase=lambda person: FieldValue.objects.filter(profile=person.pk).delete(),
    ),
    Place(
        model=ProfileTag,
        find=lambda person: ProfileTag.objects.filter(profile=person.pk),
        show=("tag",),
    ),
    Place(model=Tag, texts=("name",)),
    Place(
        model=Subscription,
        find=lambda person: Subscription.objects.filter(profile=person.pk),
        show=("service", "status", "changed_at", "expires_at"),
    ),
    Place(
        model=ConsentEvent,
        facts=_history,
        stays=_("which consent was given and taken back, and when, by number alone"),
    ),
    Place(
        model=ConsentEvidence,
        facts=_wordings,
        heading=_("wordings that were seen"),
    ),
    Place(
        model=ContactWish,
        find=lambda person: ContactWish.objects.filter(profile=person.pk),
        show=(
            *("channel", "per_month", "paused_until", "since", "source", "actor"),
            *("ip", "user_agent", "ended_at", "ended_source", "ended_actor"),
            "ended_note",
        ),
        texts=("ended_note",),
    ),
    Place(
        model=LeavingReason,
        find=lambda person: LeavingReason.objects.filter(profile=person.pk),
        show=("event", "reason", "text", "at"),
        texts=("text",),
    ),
    Place(
        model=AudienceMember,
        find=lambda person: AudienceMember.objects.filter(profile=person.pk),
        show=("audience",),
    ),
    Place(
        model=SignupRequest,
        find=_signups,
        show=("email", "created_at", "data", "ip", "user_agent", "confirmed_at"),
        erase=lambda person: _signups(person).delete(),
    ),
    Place(
        model=OutboxMail,
        find=_mails,
        show=("kind", "channel", "to", "created_at", "sent_at", "result", "network"),
        erase=lambda person: _mails(person).delete(),
    ),
    Place(
        model=PrivacyRequest,
        find=_requests,
        show=("kind", "received_at", "text", "state", "decided_at", "note"),
        erase=lambda person: _requests(person).update(text="", note="", sent_to=""),
        texts=("text", "note"),
        stays=_("that there was a request, of which kind, and how it was answered"),
    ),
    Place(
        model=LogEntry,
        find=_log,
        show=("action_time", "user", "action_flag", "change_message"),
        words={"change_message": console_log.in_words},
        erase=lambda person: _log(person).update(
            object_repr=f"#{person.pk}", change_message=""
        ),
        texts=("object_repr", "change_message"),
        written=_what_operators_wrote,
        stays=_("which operator did something for this number, and when"),
    ),
    Place(model=BulkAct, texts=("chosen", "details", "note", "error")),
    Place(
        model=BulkActPerson,
        find=lambda person: BulkActPerson.objects.filter(profile=person.pk),
        show=("act", "outcome"),
        erase=lambda person: BulkActPerson.objects.filter(profile=person.pk).delete(),
    ),
    Place(
        model=ImportRun,
        texts=("file_name", "details", "note", "error", "counts", "preview"),
    ),
    Place(model=ImportReject, texts=("reason", "values", "field")),
    Place(
        model=ImportContent,
        facts=imported.described,
        erase=imported.give_up,
    ),
    Place(model=Audience, texts=("name", "condition")),
    Place(
        model=Happening,
        find=_happenings,
        show=("name", "at", "channel", "key", "delivery_id"),
        erase=lambda person: _happenings(person).update(key="", data={}),
        stays=_("what happened to this number, and when"),
    ),
    Place(
        model=EndpointCall,
        find=lambda person: EndpointCall.objects.filter(profile_id=person.pk),
        show=("name", "told_at", "endpoint"),
        texts=("answer",),
        stays=_("which program was told of something about this number, and when"),
    ),
    # For a day, what programs were answered.
    Place(model=ApiAnswer, texts=("body",)),
    # Keyed hashes, and why somebody put an address there or lifted it.
    Place(model=Suppression, texts=("note", "lift_note")),
    # Numbers of profiles, operators, and why.
    Place(model=ErasureRun, texts=("note",)),
    Place(
        model=AccessAttempt, texts=("username", "path_info", "get_data", "post_data")
    ),
    Place(model=AccessLog, texts=("username", "path_info")),
    Place(model=AccessFailureLog, texts=("username", "path_info")),
)
