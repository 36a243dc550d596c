"""Each secret of a webhook that cannot work has its system check."""

import re
from pathlib import Path
from typing import Any

import pytest

from campaign import checks, number_checks, webhook_checks
from tests.hooks.calls import SECRETS

from .test_checks import BAD, found

pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")


BAD_SECRETS: list[tuple[str, dict[str, Any]]] = [
    ("campaign.E020", {"SMS_WEBHOOK_SECRETS": ["short"]}),
    ("campaign.E020", {"EMAIL_WEBHOOK_SECRETS": ["a-user-that-is-long:short"]}),
    ("campaign.E021", {"EMAIL_WEBHOOK_SECRETS": ["no-password-in-it-at-all"]}),
    ("campaign.E021", {"EMAIL_WEBHOOK_SECRETS": [":password-without-user"]}),
    ("campaign.E022", {"SNS_TOPICS": ["arn:aws:sns:eu-west-1:123456789012:*"]}),
    ("campaign.E022", {"SNS_TOPICS": ["campaign-feedback"]}),
    ("campaign.E023", {"SENDGRID_VERIFICATION_KEYS": ["-----BEGIN"]}),
    ("campaign.E023", {"RESEND_SIGNING_SECRETS": ["whsec_"]}),
    ("campaign.E002", {"WEBHOOK_FRESH_SECONDS": 5}),
]


@pytest.mark.parametrize(("id", "changes"), BAD_SECRETS, ids=str)
def test_a_secret_that_cannot_work_is_an_error(
    id: str, changes: dict[str, Any]
) -> None:
    messages = found(**changes)
    assert id in {message.id for message in messages}
    for message in messages:  # a secret is not written into a log
        assert "short" not in str(message.msg).replace("too short", "")


def test_no_secrets_and_good_ones_are_passed_over() -> None:
    assert found() == []
    assert found(**SECRETS) == []


def test_every_check_has_a_case() -> None:
    files = (checks.__file__, number_checks.__file__, webhook_checks.__file__)
    text = "".join(Path(file).read_text(encoding="utf-8") for file in files)
    cases = {id for id, *_rest in [*BAD, *BAD_SECRETS]}
    assert set(re.findall(r"campaign\.[A-Z]\d{3}", text)) == cases
