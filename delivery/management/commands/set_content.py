"""set_content DELIVERY --subject S --file FILE.md|.html|.txt [--language L]"""

from pathlib import Path
from typing import Any

from audiences.terminal import CampaignCommand, CommandParser, add_delivery
from delivery import deliveries
from delivery.composing import writing


class Command(CampaignCommand):
    help = (
        "Write what a delivery says: Markdown, HTML or plain text from a file, with "
        "places such as {{ first_name|there }}. Without --language it is for everybody "
        "whose language has no variant of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        parser.add_argument("--subject", metavar="S", help="The subject (email, push).")
        parser.add_argument(
            "--file", type=Path, required=True, metavar="FILE", help=".md, .html, .txt"
        )
        parser.add_argument("--preheader", metavar="P", help="Beside the subject.")
        parser.add_argument("--language", metavar="L", help="Such as nl.")

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        writing.set_content(
            delivery,
            content=writing.read(options["file"]),
            subject=options["subject"],
            preheader=options["preheader"],
            language=options["language"] or "",
        )
        language = options["language"] or "everybody else"
        self.say(f"{delivery.label!r} says it for {language}.")
