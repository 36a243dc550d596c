"""What servers answer, and the reason and type that each answer comes down to."""

import pytest

from delivery.feedback.mails.classification import classify

HARD, SOFT, IGNORED = "hard", "soft", "ignored"

ANSWERS = [
    # user unknown
    ("550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos", "user_unknown", HARD),
    ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table", "user_unknown", HARD),
    ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in local recipient table", "user_unknown", HARD),
    ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in relay recipient table", "user_unknown", HARD),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient a@b.example not found by SMTP address lookup", "user_unknown", HARD),
    ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "user_unknown", HARD),
    ("550 5.5.0 Requested action not taken: mailbox unavailable", "user_unknown", HARD),
    ("554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0]", "user_unknown", HARD),
    ("550 No Such User Here\"", "user_unknown", HARD),
    ("550 #5.1.0 Address rejected.", "user_unknown", HARD),
    ("550 Invalid recipient a@b.example", "user_unknown", HARD),
    ("550 sorry, no mailbox here by that name (#5.1.1)", "user_unknown", HARD),
    ("550 5.1.1 Mailbox <a@b.example> does not exist", "user_unknown", HARD),
    ("511 5.1.1 unknown address or alias: a@b.example", "user_unknown", HARD),
    ("550 5.2.1 This mailbox does not exist", "user_unknown", HARD),
    ("550 <a@b.example>, recipient unknown", "user_unknown", HARD),
    ("550 unrouteable address", "invalid_domain", HARD),
    ("553 5.3.0 <a@b.example>... Addressee unknown, relay=[192.0.2.1]", "user_unknown", HARD),
    ("550 RCPT TO:<a@b.example> User unknown", "user_unknown", HARD),
    ("550 mail to a@b.example not accepted here: no such mailbox", "user_unknown", HARD),
    ("550 5.0.0 <a@b.example>... No such user here", "user_unknown", HARD),
    ("550 5.1.1 User does not exist: a@b.example", "user_unknown", HARD),
    ("550 Not our Customer", "user_unknown", HARD),
    ("550 5.1.6 recipient no longer on server: a@b.example", "user_unknown", HARD),
    ("551 5.1.6 Recipient has moved, please try a@c.example", "user_unknown", HARD),
    ("550 5.1.1 unknown or illegal alias: a@b.example", "user_unknown", HARD),
    ("550 a@b.example is not a valid mailbox", "user_unknown", HARD),
    ("550 That account does not exist here", "user_unknown", HARD),
    ("550 Requested action aborted: invalid mailbox", "user_unknown", HARD),
    ("550 Mail box unavailable", "user_unknown", HARD),
    ("554 5.7.0 User a not found in directory", "refused", SOFT),
    ("550 5.1.1 The user you are trying to reach could not be found", "user_unknown", HARD),
    ("550 5.1.3 Bad destination mailbox address syntax", "user_unknown", HARD),
    ("450 4.1.1 <a@b.example>: Recipient address rejected: unverified address: User unknown", "user_unknown", SOFT),
    ("551 User not local; please try <a@c.example>", "user_unknown", HARD),
    ("550 The recipient cannot be verified. Please check all recipients of this message", "user_unknown", HARD),
    ("550 cannot find user", "user_unknown", HARD),
    ("554 rejected due to nonexistent mailbox", "user_unknown", HARD),
    ("550 There is no one at this address", "user_unknown", HARD),
    ("550 that user does not have a mailbox here", "user_unknown", HARD),
    ("<a@b.example>: host mx.b.example[192.0.2.1] said: 554 5.7.1 <a@b.example>: Recipient address rejected: Access denied (in reply to RCPT TO command)", "user_unknown", HARD),
    ("554 5.7.1 <a@b.example>: Recipient address rejected: Access denied by policy", "refused", IGNORED),
    # invalid domain
    ("No MX or A records for b.example", "invalid_domain", HARD),
    ("Host or domain name not found. Name service error for name=b.example type=MX: Host not found", "invalid_domain", HARD),
    ("550 5.1.2 <a@b.example>... Host unknown (Name server: b.example: host not found)", "invalid_domain", HARD),
    ("Sorry, I couldn't find any host named b.example. (#5.1.2)", "invalid_domain", HARD),
    ("DNS Error: DNS type 'mx' lookup of b.example responded with code NXDOMAIN Domain name not found: b.example", "invalid_domain", HARD),
    ("550 5.4.310 DNS domain b.example does not exist [Message=InfoDomainNonexistent]", "invalid_domain", HARD),
    ("556 5.1.10 Recipient address has null MX", "invalid_domain", HARD),
    ("Domain b.example does not accept mail (nullMX)", "invalid_domain", HARD),
    ("all relevant MX records point to non-existent hosts", "invalid_domain", HARD),
    ("521 5.3.2 b.example does not accept mail", "invalid_domain", HARD),
    # account disabled
    ("550-5.2.1 The email account that you tried to reach is disabled.", "account_disabled", SOFT),
    ("550 5.2.1 Mailbox disabled, not accepting messages", "account_disabled", SOFT),
    ("550 5.1.1 <a@b.example>: This account has been suspended", "account_disabled", SOFT),
    ("554 5.7.1 The recipient account is currently locked", "account_disabled", SOFT),
    ("550 Mailbox is inactive", "account_disabled", SOFT),
    ("554 delivery error: dd Sorry, your message to a@yahoo.com cannot be delivered. This account has been disabled or discontinued [#102].", "account_disabled", HARD),
    ("550 5.2.1 This account has been permanently closed", "account_disabled", HARD),
    # mailbox full
    ("552-5.2.2 The email account that you tried to reach is over quota and inactive.", "mailbox_full", SOFT),
    ("452-4.2.2 The email account that you tried to reach is over quota.", "mailbox_full", SOFT),
    ("554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded", "mailbox_full", SOFT),
    ("552 5.2.2 <a@b.example> Quota exceeded (mailbox for user is full)", "mailbox_full", SOFT),
    ("552 Requested mail action aborted: exceeded storage allocation", "mailbox_full", SOFT),
    ("452 4.3.1 Insufficient system storage", "mailbox_full", SOFT),
    ("552 Mailbox size limit exceeded", "mailbox_full", SOFT),
    ("User mailbox exceeds allowed size", "mailbox_full", SOFT),
    ("550 user is over the limit of disk space", "mailbox_full", SOFT),
    ("552 5.7.0 Inbox is full", "mailbox_full", SOFT),
    # the sender is refused
    ("550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus. To request removal see http://www.spamhaus.org/lookup.lasso (AS3140)", "refused", IGNORED),
    ("554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", "refused", IGNORED),
    ("550 SC-001 (COL004-MC1F9) Unfortunately, messages from 192.0.2.1 weren't sent. Please contact your Internet service provider since part of their network is on our block list.", "refused", IGNORED),
    ("550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.", "refused", IGNORED),
    ("550 5.7.1 Unauthenticated email from b.example is not accepted due to domain's DMARC policy", "refused", IGNORED),
    ("550-5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail", "refused", IGNORED),
    ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints", "refused", IGNORED),
    ("553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", "refused", IGNORED),
    ("554 5.7.9 Message not accepted for policy reasons.", "refused", IGNORED),
    ("550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy", "refused", IGNORED),
    ("550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this group", "refused", IGNORED),
    ("554 5.7.1 <a@b.example>: Relay access denied", "refused", IGNORED),
    ("550 5.7.1 <a@b.example>... Relaying denied. Proper authentication required.", "refused", IGNORED),
    ("550 5.7.1 Unable to relay for a@b.example", "refused", IGNORED),
    ("553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "refused", IGNORED),
    ("553 5.1.8 <c@d.example>... Domain of sender address c@d.example does not exist", "refused", IGNORED),
    ("450 4.1.8 <c@d.example>: Sender address rejected: Domain not found", "refused", IGNORED),
    ("550 Sender verify failed", "refused", IGNORED),
    ("550 Verification failed for <c@d.example> No Such User Here Sender verify failed", "refused", IGNORED),
    ("450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]", "refused", IGNORED),
    ("550 5.7.25 The IP address sending this message does not have a PTR record setup", "refused", IGNORED),
    ("554 5.7.1 Message scored too high on spam scale. For help, please quote incident ID 1.", "refused", IGNORED),
    ("554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.", "refused", IGNORED),
    ("550 High probability of spam", "refused", IGNORED),
    ("550 5.7.0 Message contains a virus (Eicar-Test-Signature)", "refused", IGNORED),
    ("552-5.7.0 This message was blocked because its content presents a potential security issue.", "refused", IGNORED),
    ("421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.", "refused", IGNORED),
    ("421 4.7.1 : (DYN:T1) http://postmaster.info.aol.com/errors/421dynt1.html", "refused", IGNORED),
    ("450 4.7.1 Too many connections from 192.0.2.1", "refused", IGNORED),
    ("550 5.7.501 Access denied, spam abuse detected from this IP", "refused", IGNORED),
    ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", "refused", IGNORED),
    ("550 5.7.515 Access denied, sending domain d.example does not meet the required authentication level.", "refused", IGNORED),
    ("554 IMTA01 ESMTP server not available", "unreachable", SOFT),
    ("550 Administrative prohibition", "refused", IGNORED),
    ("550 5.7.1 Command rejected", "refused", IGNORED),
    ("501 5.5.4 Invalid HELO argument", "refused", IGNORED),
    ("550 you are not allowed to send to this mailing list", "refused", IGNORED),
    ("450 4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see http://postgrey.example", "refused", IGNORED),
    ("530 5.7.0 Must issue a STARTTLS command first", "refused", IGNORED),
    ("554 Transaction failed 554 5.7.1 Rejected by content filter", "refused", IGNORED),
    ("550 Sender callout failed: no such user", "refused", IGNORED),
    ("550 cannot verify your sender address: user unknown", "refused", IGNORED),
    ("550-Your domain has no MX record", "refused", IGNORED),
    ("550 5.7.1 TLS certificate: invalid host", "refused", IGNORED),
    ("(554) : rejected", "refused", IGNORED),
    # the message
    ("552 5.3.4 Message size exceeds fixed maximum message size (10485760)", "text_too_long", IGNORED),
    ("552 5.2.3 Message exceeds maximum fixed size", "text_too_long", IGNORED),
    ("554 5.6.1 Body type not supported by Remote Host", "encoding", IGNORED),
    ("SMTPUTF8 is required, but was not offered by host mx.b.example", "encoding", IGNORED),
    # not reached
    ("connect to mx.b.example[192.0.2.1]:25: Connection timed out", "unreachable", SOFT),
    ("connect to mx.b.example[192.0.2.1]:25: Connection refused", "unreachable", SOFT),
    ("Sorry, I wasn't able to establish an SMTP connection. (#4.4.1) I'm not going to try again; this message has been in the queue too long.", "unreachable", SOFT),
    ("retry timeout exceeded", "unreachable", SOFT),
    ("550 4.4.7 QUEUE.Expired; message expired", "unreachable", SOFT),
    ("550 5.4.300 Message expired -> 451 4.7.500 Server busy", "unreachable", SOFT),
    ("554 5.4.6 Too many hops 26 (25 max)", "unreachable", SOFT),
    ("554 5.4.14 Hop count exceeded - possible mail loop", "unreachable", SOFT),
    ("mail for b.example loops back to myself", "unreachable", SOFT),
    ("451 4.3.0 Error: queue file write error", "unreachable", SOFT),
    ("421 4.3.2 Service not available", "unreachable", SOFT),
    ("451 4.4.0 Temporary server error. Please try again later", "unreachable", SOFT),
    ("Host or domain name not found. Name service error for name=b.example type=MX: Host not found, try again", "unreachable", SOFT),
    # nothing known
    ("550 5.0.0", "not_defined", SOFT),
    ("554 5.5.0", "not_defined", SOFT),
    ("", "not_defined", SOFT),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "reason", "type"), ANSWERS)
def test_an_answer_comes_down_to_its_reason(answer, reason, type):
    verdict = classify(answer)
    assert (verdict.reason, verdict.type) == (reason, type)


GMAIL = "** Address not found ** Your message wasn't delivered to a@b.example because the address couldn't be found. Check for typos or unnecessary spaces and try again."  # fmt: skip
TOLD = f"{GMAIL} The response from the remote server was: 550 #4711 Sorry"


@pytest.mark.parametrize(
    ("words", "reason", "type"),
    [(GMAIL, "user_unknown", HARD), (TOLD, "not_defined", SOFT)],
)
def test_gmail_is_believed_where_it_quotes_no_server(words, reason, type):
    verdict = classify(words, status="5.0.0", context=words)
    assert (verdict.reason, verdict.type) == (reason, type)
