"""What visitors without a personal link set in motion: requests, mails, their caps."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audiences.channels import Channel

from .landing_pages import LandingPage, LandingPageVersion


class OutboxMail(models.Model):
    """A mail or SMS to send, or a request that may turn out to need none.

    It holds the address, ids and codes, never a visitor's text. What became of it is
    added once (`audiences.outbox`); `clean_up` removes it after OUTBOX_DAYS.
    """

    class Kind(models.TextChoices):
        LINK = "link", _("Personal link")
        SIGNUP = "signup", _("Confirmation of a sign-up")
        REQUEST = "request", _("Confirmation of a subscription")
        CHANNEL = "channel", _("Confirmation of a channel")
        ADDRESS = "address", _("Confirmation of an address")
        SUBSCRIBED = "subscribed", _("Message after subscribing")
        UNSUBSCRIBED = "unsubscribed", _("Message after unsubscribing")
        PRIVACY = "privacy", _("Answer to a privacy request")
        SUMMARY = "summary", _("Morning summary")

    class Result(models.TextChoices):
        SENT = "sent", _("Sent: the mail server or gateway took it")
        NOBODY = "nobody", _("Not sent: no profile is known by this")
        FORWARDED = "forwarded", _("Passed on to the profile's email address")
        DENYLISTED = "denylisted", _("Not sent: the address is on the denylist")
        QUARANTINED = "quarantined", _("Not sent: the address is in quarantine")
        SUPPRESSED = "suppressed", _("Not sent: the address is suppressed")
        OPTED_OUT = "opted_out", _("Not sent: the profile is opted out")
        TRIAL = "trial", _("Not sent: the site is on trial")
        OUTDATED = "outdated", _("Not sent: the request is gone or too old")
        REFUSED = "refused", _("Not sent: the mail server or gateway refused it")
        FAILED = "failed", _("Not sent: an error; the log says which")
        UNCERTAIN = "uncertain", _("Uncertain: the hand-over was interrupted")

    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    channel = models.CharField(
        _("channel"),
        max_length=16,
        choices=[(c.value, c.label) for c in (Channel.EMAIL, Channel.SMS)],
        db_default=Channel.EMAIL,
        default=Channel.EMAIL,
    )
    found_by = models.CharField(
        _("found by"),
        max_length=16,
        choices=LandingPage.ReconciledBy,
        help_text=_("What the visitor gave; mails go out where it is an address."),
    )
    to = models.TextField(
        _("given"),
        help_text=_("As the visitor wrote it; once it is sent, where it went."),
    )
    key = models.CharField(_("key"), max_length=500)
    language = models.CharField(_("language"), max_length=35)
    context = models.JSONField(
        _("context"), default=dict, help_text=_("Ids and codes; no text of visitors.")
    )
    network = models.CharField(_("visitor's network"), max_length=50, blank=True)
    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claimed_at = models.DateTimeField(_("taken by a worker"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    result = models.CharField(
        _("what became of it"), max_length=16, choices=Result, blank=True
    )

    class Meta:
        verbose_name = _("outgoing mail")
        verbose_name_plural = _("outgoing mails")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="outboxmail_sent_was_claimed",
                violation_error_message=_(
                    "Only a mail that was claimed can have been sent."
                ),
                condition=models.Q(sent_at__isnull=True)
                | models.Q(claimed_at__isnull=False, result="sent"),
            ),
            models.CheckConstraint(
                name="outboxmail_result_known",
                violation_error_message=_("This is nothing that becomes of a mail."),
                condition=models.Q(
                    result__in=[
                        *("", "sent", "nobody", "forwarded"),
                        *(
                            "opted_out",
                            "denylisted",
                            "quarantined",
                            "suppressed",
                            "trial",
                            "outdated",
                            "refused",
                            "failed",
                            "uncertain",
                        ),
                    ]
                ),
            ),
        ]
        indexes = [
            # The worker's next mail.
            models.Index(
                fields=["due_at"],
                name="outbox_waiting",
                condition=models.Q(result="", claimed_at__isnull=True),
            ),
            # The sweep for those whose worker died.
            models.Index(
                fields=["claimed_at"],
                name="outbox_claimed",
                condition=models.Q(result="", claimed_at__isnull=False),
            ),
            # Clean-up.
            models.Index(fields=["created_at"], name="outbox_by_age"),
            # Erasing a person.
            models.Index(fields=["key"], name="outbox_by_key"),
            # The few of which nobody knows whether they left: the home page tells.
            models.Index(
                fields=["-id"],
                name="outbox_uncertain",
                condition=models.Q(result="uncertain"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"


class SignupRequest(models.Model):
    """What an unidentified visitor asked for, until the address confirms it (L5).

    Only `audiences.signups` writes it. Confirming empties what is personal;
    `clean_up` removes the row when it expires, confirmed or not.
    """

    version = models.ForeignKey(
        LandingPageVersion,
        verbose_name=_("version of the page"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    email = models.TextField(_("email address"), blank=True)
    key = models.CharField(_("key"), max_length=500)
    language = models.CharField(_("language"), max_length=35)
    data = models.JSONField(
        _("what was asked"), default=dict, help_text=_("Fields, channels, services.")
    )
    ip = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    user_agent = models.TextField(_("browser"), blank=True)
    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    profile_id = models.BigIntegerField(_("profile"), null=True, blank=True)

    class Meta:
        verbose_name = _("sign-up request")
        verbose_name_plural = _("sign-up requests")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="signuprequest_confirmed_has_profile",
                violation_error_message=_("A confirmed request belongs to a profile."),
                condition=models.Q(confirmed_at__isnull=True, profile_id__isnull=True)
                | models.Q(confirmed_at__isnull=False, profile_id__isnull=False),
            )
        ]
        indexes = [
            # Confirmations of one address wait for each other; erasing a person.
            models.Index(fields=["key", "id"], name="signuprequest_by_key"),
            # Clean-up.
            models.Index(fields=["expires_at"], name="signuprequest_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class RequestCount(models.Model):
    """How many requests a network, or about an address, were accepted on a day (UTC).

    `subject` is a keyed hash: nobody's address can be read here.
    """

    class Scope(models.TextChoices):
        NETWORK = "network", _("Visitor's network")
        ADDRESS = "address", _("Address that gets the mail")

    scope = models.CharField(_("what is counted"), max_length=8, choices=Scope)
    subject = models.CharField(_("hash"), max_length=64)
    day = models.DateField(_("day"))
    count = models.PositiveIntegerField(_("requests"), default=0)

    class Meta:
        verbose_name = _("request count")
        verbose_name_plural = _("request counts")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "scope", "subject"], name="requestcount_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.scope}: {self.count}"


class UsedProof(models.Model):
    """A proof of work that was accepted; it is never accepted again."""

    nonce = models.CharField(_("nonce"), max_length=64)
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        verbose_name = _("used proof of work")
        verbose_name_plural = _("used proofs of work")
        constraints = [models.UniqueConstraint(fields=["nonce"], name="usedproof_once")]
        indexes = [
            # Clean-up.
            models.Index(fields=["expires_at"], name="usedproof_by_expiry"),
        ]

    def __str__(self) -> str:
        return self.nonce
