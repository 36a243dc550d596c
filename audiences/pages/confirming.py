"""Behind the link of a double opt-in (S6). GET shows a button, POST confirms.

Mail scanners open links: nothing changes until the button is pressed.
"""

from django.http import HttpRequest, HttpResponse

from audiences import links
from audiences.consent import Source
from audiences.visits import confirming
from audiences.visits.confirming import Asked, Stage
from audiences.wording import page_texts

from . import rendering, visitors
from .middleware import public
from .rendering import Shown
from .state_lines import service_line


@public
def confirm_subscription(request: HttpRequest, token: str) -> HttpResponse:
    """The page of the link."""
    if request.method == "POST":
        origin = visitors.origin(request, Source.LANDING_PAGE)
        asked = confirming.confirm(token, origin)
    else:
        asked = confirming.look(token)
    person = asked.held.profile.language
    language = rendering.page_language(request, asked.content["languages"], person)
    return rendering.show(request, asked.content, language, _shown(asked, language))


def _shown(asked: Asked, language: str) -> Shown:
    service = asked.service.label_in(language)
    if asked.stage == Stage.WAITING:
        return Shown(
            title=page_texts.text(language, "confirm.title"),
            body=page_texts.text(language, "confirm.subscription", service=service),
            button=page_texts.text(language, "confirm.subscribe_button"),
        )
    if asked.stage == Stage.CLOSED:
        return Shown(
            title=page_texts.text(language, "confirm.title"),
            body=page_texts.text(language, "page.service_closed", service=service),
        )
    return _confirmed(asked, language)


def _confirmed(asked: Asked, language: str) -> Shown:
    """What is true now; for somebody who is opted out also what to do."""
    which = "confirm.done" if asked.stage == Stage.DONE else "confirm.again"
    standing, service = asked.standing, asked.service
    line = service_line(asked.held.profile_id, standing, service, language)
    is_out = standing.stopped_all or service.channel in standing.out
    link = confirming.preference_link(asked) if is_out else None
    return Shown(
        title=page_texts.text(language, which),
        state=[line],
        is_done=True,
        preferences_url=links.page_url(link) if link else "",
    )
