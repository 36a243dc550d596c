"""A message as HTML and as text: Markdown or HTML within the organisation's frame.

Nothing in it runs (nh3), its style is beside each element (css-inline), and its places
are still words (`Marks`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

import css_inline
import nh3
from django.template.loader import render_to_string

from audiences.models.brands import BRAND, TEXT_ON_BRAND
from audiences.wording import markdown
from audiences.wording.colours import readable_on

from .places import CannotCompose, Marks
from .plain_text import text_of

# A tag, and not an address in angle brackets, which Markdown has too.
_HTML = re.compile(r"<(?:!doctype\b|[a-z][a-z0-9]{0,15}(?=[\s/>]))", re.IGNORECASE)
_TAGS = frozenset(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code "
    "col colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 "
    "h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p picture pre q s samp "
    "section small source span strike strong sub summary sup table tbody td tfoot th "
    "thead tr tt u ul var wbr".split()
)
_ANYWHERE = frozenset(
    "align aria-hidden aria-label background bgcolor border class dir height id lang "
    "role style title valign width".split()
)
_ATTRIBUTES = {
    "*": set(_ANYWHERE),
    "a": {"href", "target", "name"},
    "img": {"src", "srcset", "alt", "hspace", "vspace"},
    "source": {"srcset", "media", "type"},
    "table": {"cellpadding", "cellspacing", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "col": {"span"},
    "font": {"color", "face", "size"},
    "ol": {"start", "type"},
}
_WITHOUT_CONTENT = {"script", "style", "title", "template", "noscript", "iframe"}
_SCHEMES = {"http", "https", "mailto", "tel", "sms"}
# A paragraph that is one bold link.
_BUTTON = re.compile(r"<p><strong>(<a [^<>]*>[^<>]*</a>)</strong></p>")
_RIGHT_TO_LEFT = ("ar", "fa", "he", "ur", "yi")
_inliner = css_inline.CSSInliner(
    keep_at_rules=True, load_remote_stylesheets=False, keep_link_tags=False
)


@dataclass(frozen=True)
class Frame:
    """What is around a message: who sends it, and the links at its end.

    `words` are those of its language; an empty `view_link` shows none. `brand` is the
    name that stands above it, `button` the colours of a button and of the text on it.
    """

    language: str
    words: Mapping[str, str]
    brand: str = ""
    sender: Sequence[str] = ()
    links: Sequence[tuple[str, str]] = ()
    view_link: str = ""
    button: tuple[str, str] = (BRAND, TEXT_ON_BRAND)


@dataclass(frozen=True)
class Marked:
    """A message whose places are still words."""

    html: str
    text: str


class _Styles(HTMLParser):
    """What the style elements of a document say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._within = False

    def handle_data(self, data: str) -> None:
        if self._within:
            self.found.append(data.replace("<", ""))


def is_html(content: str) -> bool:
    """Whether a message is HTML; else it is Markdown."""
    return bool(_HTML.search(content))


def build(
    content: str, *, subject: str, preheader: str, marks: Marks, frame: Frame
) -> Marked:
    """The message in its frame, in both forms."""
    styles, has_own_colours = "", is_html(content)
    if has_own_colours:
        marked = marks.put(content)
        parser = _Styles()
        parser.feed(marked)
        styles = "\n".join(parser.found)
        if len(marks.cut(styles)) > 1:
            raise CannotCompose("A place cannot stand in the style of a message.")
        html = _clean(marked)
        text = text_of(html)
    else:
        marked = marks.put(content, _in_markdown)
        html = _BUTTON.sub(
            r'<p class="campaign-button">\1</p>', markdown.to_html(marked)
        )
        text = markdown.to_text(marked)
    whole = render_to_string(
        "mails/delivery.html",
        {
            "language": frame.language,
            "direction": "rtl" if _is_right_to_left(frame.language) else "ltr",
            "subject": marks.put(subject),
            "preheader": marks.put(preheader),
            "styles": styles,
            # A dark frame would take the text of a light box along.
            "has_own_colours": has_own_colours,
            "html": html,
            "words": frame.words,
            "brand": frame.brand,
            "sender": frame.sender,
            "links": frame.links,
            "view_link": frame.view_link,
            "button": frame.button[0],
            "text_on_button": frame.button[1],
            "link": readable_on(frame.button[0], "#ffffff"),
            "link_in_dark": readable_on(frame.button[0], "#1f252c"),
        },
    )
    return Marked(_inliner.inline(whole), _text(text, frame))


def _in_markdown(word: str, found: re.Match[str]) -> str:
    """A link becomes one, unless it stands where Markdown wants an address."""
    before = found.string[: found.start()]
    bare = not word.startswith("https:") or before.endswith(("](", "<", "://"))
    return word if bare else f"<{word}>"


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=_WITHOUT_CONTENT,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        # Some are for one mail program alone.
        strip_comments=False,
        link_rel=None,
    )


def _text(text: str, frame: Frame) -> str:
    """The text with what stands below it, as RFC 3676 (4.3) separates signatures."""
    links = [f"{words}: <{address}>" for words, address in frame.links]
    if frame.view_link:
        links.append(f"{frame.words['view']}: <{frame.view_link}>")
    below = "\n".join([*frame.sender, *links])
    return f"{text.rstrip()}\n\n-- \n{below}\n" if below else text


def _is_right_to_left(language: str) -> bool:
    return language.partition("-")[0].lower() in _RIGHT_TO_LEFT
