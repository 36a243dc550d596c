"""What a plain command imports: its start is most of what it takes."""

import json
import subprocess
import sys

import pytest

from tests.docs.tables import ROOT

# What only pages, the API or certain tasks need.
NEEDLESS = (
    *("campaign.urls", "audiences.admin", "delivery.admin", "audiences.api"),
    *("delivery.api", "audiences.pages.forms", "PIL", "imapclient", "altcha"),
    *("ninja", "pydantic", "django.test"),
)
# What commands and workers must have without the pages: each kind of mail is written.
SCRIPT = """
import json, sys
import django
django.setup()
from django.core.management import load_command_class
command = load_command_class("audiences", "import_profiles")
command.check(tags=command.requires_system_checks)
from audiences.outbox.composing import composers
from audiences.models import OutboxMail
print(json.dumps([sorted(sys.modules), sorted(set(OutboxMail.Kind) - set(composers))]))
"""


@pytest.mark.one_database
def test_a_plain_command_imports_no_pages_and_knows_all_kinds_of_mail() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"DJANGO_SETTINGS_MODULE": "campaign.settings", "DEBUG": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules, unwritten = json.loads(ran.stdout)
    assert [name for name in NEEDLESS if name in modules] == []
    assert unwritten == []
