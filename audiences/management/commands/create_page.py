"""create_page SLUG --kind K [--service S] [--label L] [--publish]"""

import getpass
from typing import Any

from django.conf import settings
from django.urls import reverse

from audiences import landing_pages, subscriptions
from audiences.models import LandingPage
from audiences.terminal import CampaignCommand, CommandError, CommandParser

Kind = LandingPage.Kind


class Command(CampaignCommand):
    help = (
        "Make a landing page from the built-in template of its kind. It works as it "
        "is; operators change texts and brand in the admin. Prints its web address."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="Its address: /p/SLUG/.")
        parser.add_argument("--kind", required=True, choices=Kind.values)
        parser.add_argument(
            "--service",
            metavar="S",
            help="The slug of the service that the page is about; a page with check "
            "boxes offers it alone.",
        )
        parser.add_argument("--label", default="", help="Its name for operators.")
        parser.add_argument(
            "--publish", action="store_true", help="Let visitors see it at once."
        )

    def run(self, **options: Any) -> None:
        kind, slug = options["kind"], options["service"]
        if kind == Kind.SUBSCRIPTION and not slug:
            raise CommandError(f"--kind {kind} needs --service.", returncode=2)
        if kind == Kind.DENYLIST and slug:
            raise CommandError(f"--kind {kind} takes no --service.", returncode=2)
        page = landing_pages.create(
            options["slug"],
            kind=kind,
            label=options["label"],
            service=subscriptions.find_service(slug) if slug else None,
        )
        if options["publish"]:
            landing_pages.publish(page, actor=getpass.getuser())
        else:
            self.note("The page is a draft: visitors do not see it before --publish.")
        self.say(f"{settings.BASE_URL}{reverse('pages:anybody', args=[page.slug])}")
