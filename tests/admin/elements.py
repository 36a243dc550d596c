"""Elements of a page by their `data-` attribute: what it shows, in whatever words."""

from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


class _Reader(HTMLParser):
    """Keeps the text inside each element that has the attribute, by its value."""

    def __init__(self, attribute: str) -> None:
        super().__init__()
        self.attribute = attribute
        self.found: dict[str, str] = {}
        self.open: list[str | None] = []

    def handle_starttag(
        self, tag: str, attrs: list[tuple[str, str | None]], is_closed: bool = False
    ) -> None:
        value = dict(attrs).get(self.attribute)
        if value is not None:
            self.found.setdefault(value, "")
        if tag not in VOID and not is_closed:
            self.open.append(value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs, is_closed=True)

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag not in VOID:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for value in {value for value in self.open if value is not None}:
            self.found[value] += data


def marked(page: str, name: str) -> dict[str, str]:
    """The text of each element with `data-<name>`, by the attribute's value.

    The names: count (a number), state (what something is in), action (a button or
    link), hint (what somebody should know or do), cause (a row of a report).
    """
    reader = _Reader(f"data-{name}")
    reader.feed(page)
    return {value: " ".join(text.split()) for value, text in reader.found.items()}
