"""What is true now, in sentences: what a visitor gets of what a page is about."""

from collections.abc import Sequence

from django.utils import timezone, translation
from django.utils.formats import date_format

from audiences.channels import ANY, Channel
from audiences.landing_pages import ServiceOnPage
from audiences.models import ContactWish, LandingPage, Profile, SignupRequest
from audiences.signups.allowing import Answer
from audiences.subscriptions import messages as subscription_messages
from audiences.visits.standing import Standing, by_flags, dormant
from audiences.visits.visit import Visit
from audiences.wording import page_texts

Kind = LandingPage.Kind


def state(visit: Visit, standing: Standing, language: str) -> list[str]:
    """Sentences that say what the visitor gets now."""
    profile_id = visit.link.profile_id
    lines: list[str] = []
    if visit.service:
        lines.append(service_line(profile_id, standing, visit.service, language))
    elif standing.stopped_all:
        lines.append(page_texts.text(language, "state.gets_nothing"))
        if visit.kind == Kind.DENYLIST:
            lines += _dormant_line(visit, language)
    elif visit.kind == Kind.DENYLIST and not standing.out:
        lines.append(page_texts.text(language, "state.gets_everything"))
    else:
        channels = standing.channels(visit)
        lines += [_channel_line(standing, c, language) for c in channels]
    lines += [
        service_line(profile_id, standing, service, language)
        for service in standing.offered
    ]
    return lines + wish_lines(standing.wishes, language)


def _dormant_line(visit: Visit, language: str) -> list[str]:
    """What was chosen before everything was stopped, and is on record still."""
    services, wished = dormant(visit)
    names = [service.label_in(language) for service in services]
    for row in wished:
        which = "pause" if row.paused_until else "month"
        if row.per_month and row.per_month != 1:
            which = "times"
        names.append(page_texts.text(language, f"wish.{which}", count=row.per_month))
    what = "; ".join(dict.fromkeys(names))
    return [page_texts.text(language, "state.dormant", what=what)] if what else []


def wish_lines(standing: Sequence[ContactWish], language: str) -> list[str]:
    """What the visitor has asked for short of an opt-out, and of which messages."""
    lines, values = [], dict[str, str]()
    for row in standing:
        if row.paused_until:
            with translation.override(language):
                moment = timezone.localtime(row.paused_until)
                date = date_format(moment, "DATE_FORMAT", use_l10n=True)
            which, values = "paused", {"date": date}
        elif row.per_month == 1:
            which, values = "limit", {}
        else:
            which, values = "limit_of", {"count": str(row.per_month)}
        if row.channel != ANY:
            which += "_on"
            values["messages"] = page_texts.text(language, f"messages.{row.channel}")
        lines.append(page_texts.text(language, f"wish.{which}", **values))
    return list(dict.fromkeys(lines))


def _channel_line(standing: Standing, channel: str, language: str) -> str:
    messages = page_texts.text(language, f"messages.{channel}")
    which = "gets_not" if channel in standing.out else "gets"
    return page_texts.text(language, f"state.{which}", messages=messages)


def service_line(
    profile_id: int, standing: Standing, service: ServiceOnPage, language: str
) -> str:
    """Whether a person gets a service, or what keeps it away."""
    which = "not_subscribed"
    if service.pk in standing.pending:
        by_sms = service.channel == Channel.SMS
        which = "pending_by_sms" if by_sms else "pending"
        if not subscription_messages.address_for(profile_id, service):
            which = "pending_without_address"
        elif not subscription_messages.was_asked(profile_id, service):
            which = "pending_unsent"
    elif service.pk in standing.subscribed:
        which = "subscribed"
        if standing.stopped_all:
            which = "subscribed_but_any"
        elif service.channel in standing.out:
            which = "subscribed_but_channel"
    return page_texts.text(
        language,
        f"state.{which}",
        service=service.label_in(language),
        messages=page_texts.text(language, f"messages.{service.channel}"),
    )


def asked_lines(asked: Sequence[tuple[str, Answer]], language: str) -> list[str]:
    """What came of asking for channels at their own addresses."""
    return [
        page_texts.text(
            language,
            f"asked.{answer.value}",
            messages=page_texts.text(language, f"messages.{channel}"),
        )
        for channel, answer in asked
    ]


def asked_for(asked: SignupRequest, language: str) -> list[str]:
    """What somebody ticked who has not confirmed it yet, by the names on the page."""
    services, channels = _ticked(asked)
    names = [service.label_in(language) for service in services]
    return names + [page_texts.text(language, f"channels.{c}") for c in channels]


def became_of(
    asked: SignupRequest, profile_id: int, standing: Standing, language: str
) -> list[str]:
    """What is true now of that alone which a sign-up asked for."""
    services, channels = _ticked(asked)
    if standing.stopped_all:
        lines = [page_texts.text(language, "state.gets_nothing")]
    else:
        lines = [_channel_line(standing, channel, language) for channel in channels]
    return lines + [
        service_line(profile_id, standing, service, language) for service in services
    ]


def channel_state(profile: Profile, channel: str, language: str) -> list[str]:
    """What is true now of one channel of a person."""
    standing = by_flags(profile)
    if standing.stopped_all:
        return [page_texts.text(language, "state.gets_nothing")]
    return [_channel_line(standing, channel, language)]


def _ticked(asked: SignupRequest) -> tuple[list[ServiceOnPage], list[str]]:
    """The services and channels of a sign-up, as its page had them."""
    content, ticked = asked.version.content, asked.data
    services = {facts["id"]: facts for facts in content["services"]}
    if content["service"]:
        services = {content["service"]["id"]: content["service"]}
        ids = [*services]
    else:
        ids = [pk for pk in ticked.get("services", []) if pk in services]
    channels = [c for c in ticked.get("channels", []) if c in content["channels"]]
    return [ServiceOnPage.of(services[pk]) for pk in ids], channels
