"""What a refusal at hand-over says about the address."""

import pytest

from delivery.feedback.refusals import verdict_on

CASES = [
    # Mail: the server's words and codes, except for what is about us.
    ("email", "5.1.1", "550 5.1.1 User unknown", "hard", "user_unknown"),
    ("email", "5.7.1", "550 5.7.1 User unknown in our policy", "ignored", "refused"),
    # Twilio has codes; the words beside them say nothing.
    ("sms", "21211", "User unknown", "hard", "user_unknown"),
    ("sms", "21217", "", "hard", "user_unknown"),
    ("sms", "21214", "", "hard", "unreachable"),
    ("sms", "21614", "", "hard", "unreachable"),
    ("sms", "21610", "Attempt to send to unsubscribed recipient", "hard", "stop"),
    ("sms", "21612", "", "soft", "unreachable"),
    ("sms", "21408", "Permission to send is not enabled", "ignored", "error_ignored"),
    ("sms", "21606", "The From number is not valid", "ignored", "error_ignored"),
    ("sms", "21617", "", "ignored", "text_too_long"),
    # Nobody knows these.
    ("sms", "29999", "No such user", "soft", "not_defined"),
    ("sms", "400", "No such user", "soft", "not_defined"),
    ("sms", "", "user unknown", "soft", "not_defined"),
    # Push services have the status of the call.
    ("push", "410", "", "hard", "unreachable"),
    ("push", "404", "", "hard", "unreachable"),
    ("push", "413", "", "ignored", "text_too_long"),
    ("push", "400", "unknown user", "soft", "not_defined"),
    ("push", "", "The address is not a push subscription", "soft", "not_defined"),
]


@pytest.mark.parametrize(("channel", "code", "text", "type", "reason"), CASES)
def test_each_channel_has_its_own_words_for_no(
    channel: str, code: str, text: str, type: str, reason: str
) -> None:
    verdict = verdict_on(channel, code, text)
    assert (verdict.type, verdict.reason) == (type, reason)
