"""Profiles (one record of one person) and their addresses."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audiences.channels import FLAGS, Channel

from .transactions import transaction_number

LONGEST_TEXT = 150
LONGEST_EXTERNAL_ID = 100


class Profile(models.Model):
    """One record of one person (P1). Two records of a person are two profiles (P4).

    The flags are independent of each other (P2): a channel is contactable when its
    own flag and the one for any channel are both clear. Only `audiences.consent`
    writes them; only `audiences.privacy.erase` deletes a profile.
    """

    external_id = models.CharField(
        _("external id"),
        max_length=LONGEST_EXTERNAL_ID,
        unique=True,
        null=True,
        blank=True,
        help_text=_("The person's number in your own system. Imports match on it."),
    )
    first_name = models.CharField(_("first name"), max_length=LONGEST_TEXT, blank=True)
    last_name = models.CharField(_("last name"), max_length=LONGEST_TEXT, blank=True)
    language = models.CharField(
        _("language"),
        max_length=35,
        blank=True,
        help_text=_("A language code such as nl or en-GB."),
    )
    country = models.CharField(
        _("country"),
        max_length=2,
        blank=True,
        help_text=_("A country code of two letters, such as NL."),
    )
    message_limit = models.PositiveSmallIntegerField(
        _("message limit"),
        null=True,
        blank=True,
        help_text=_(
            "At most so many messages in the period of a fatigue rule that reads this "
            "field; empty: the rule's own number."
        ),
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    no_longer_contact = models.BooleanField(
        _("any channel"),
        db_default=False,
        help_text=_("Nothing is sent to this profile, on any channel."),
    )
    no_longer_contact_email = models.BooleanField(_("email"), db_default=False)
    no_longer_contact_sms = models.BooleanField(_("SMS"), db_default=False)
    no_longer_contact_phone = models.BooleanField(_("phone"), db_default=False)
    no_longer_contact_direct_mail = models.BooleanField(
        _("direct mail"), db_default=False
    )
    no_longer_contact_push = models.BooleanField(_("push"), db_default=False)
    no_longer_contact_fax = models.BooleanField(_("fax"), db_default=False)

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")
        ordering = ["id"]
        permissions = [
            ("opt_out_profile", "Can opt people out"),
            ("opt_in_profile", "Can opt people in"),
            ("see_addresses", "Can see whole addresses"),
            ("import_profile", "Can import people"),
            ("export_profile", "Can export people, outcomes and quarantine"),
            ("erase_profile", "Can erase a person"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(message_limit__isnull=True)
                | models.Q(message_limit__gte=1),
                name="profile_message_limit_positive",
                violation_error_message=_(
                    "The message limit is 1 or more, or empty. To send nothing, opt "
                    "the person out."
                ),
            ),
        ]
        # The search by name has an index of its own: profiles/name_search.py.
        indexes = [
            # Lists of the people who are opted out: few, or none, among millions.
            *(
                models.Index(
                    fields=["id"],
                    condition=models.Q(**{flag: True}),
                    name=f"profile_out_{scope}",
                )
                for scope, flag in FLAGS.items()
            ),
            # Lists by language, and by when somebody was added.
            models.Index(fields=["language"], name="profile_by_language"),
            models.Index(fields=["created_at"], name="profile_by_creation"),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id or f"#{self.pk}"

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class AddressStatus(models.TextChoices):
    """The status of an address in quarantine (Q2); valid also means: no entry."""

    VALID = "valid", _("Valid")
    ERRONEOUS = "erroneous", _("Erroneous")
    QUARANTINE = "quarantine", _("Quarantine")
    DENYLISTED = "denylisted", _("On denylist")


class Address(models.Model):
    """One address of one profile on one channel.

    `value` is what was given and what is sent to; `key` is what is compared. A value
    that cannot be normalised is kept with `is_valid` false: nothing is lost, and the
    analysis can say so. Only `audiences.addresses` writes the row, except for two
    copies: `quarantine_status`, of the quarantine entry, which the quarantine writes,
    and `is_suppressed`, whether `Suppression` has it, which `audiences.suppression`
    writes once the row is there.
    """

    profile = models.ForeignKey(
        Profile,
        verbose_name=_("profile"),
        on_delete=models.CASCADE,
        related_name="addresses",
        db_index=False,
    )
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    value = models.TextField(_("address"), help_text=_("As given; what is sent to."))
    key = models.CharField(
        _("key"),
        max_length=500,
        help_text=_("The normalised form; equal keys are the same address."),
    )
    is_primary = models.BooleanField(
        _("primary"),
        db_default=False,
        help_text=_("Deliveries on this channel go to the primary address."),
    )
    is_valid = models.BooleanField(_("can be delivered to"), db_default=True)
    quarantine_status = models.CharField(
        _("quarantine status"),
        max_length=16,
        choices=AddressStatus,
        db_default=AddressStatus.VALID,
    )
    is_suppressed = models.BooleanField(
        _("suppressed"),
        db_default=False,
        help_text=_("The address is on the list of suppressed addresses."),
    )
    transaction_id = transaction_number()

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        constraints = [
            # Also the lookup of all addresses of a profile.
            models.UniqueConstraint(
                fields=["profile", "channel", "key"], name="address_once_per_profile"
            ),
            # Also the analysis' join: primaries of a channel by range of profiles.
            models.UniqueConstraint(
                fields=["channel", "profile"],
                condition=models.Q(is_primary=True),
                name="address_one_primary",
                violation_error_message=_(
                    "The profile has a primary address on this channel already."
                ),
            ),
            models.CheckConstraint(
                condition=models.Q(channel__in=Channel.values),
                name="address_channel_known",
                violation_error_message=_("This is no channel."),
            ),
            models.CheckConstraint(
                condition=models.Q(quarantine_status__in=AddressStatus.values),
                name="address_status_known",
                violation_error_message=_("This is no status of an address."),
            ),
        ]
        indexes = [
            # Who shares an address; import's match by email; the quarantine's copies.
            # On PostgreSQL this one and the one of primary addresses hold more columns
            # (migration 0059), so that no row need be read.
            models.Index(fields=["channel", "key"], name="address_by_key"),
            # Lists of the people with an address that failed.
            models.Index(
                fields=["quarantine_status", "profile"],
                condition=~models.Q(quarantine_status="valid"),
                name="address_by_status",
            ),
            # Whose address is another than at a moment.
            models.Index(fields=["transaction_id"], name="address_by_transaction"),
        ]

    def __str__(self) -> str:
        return self.value
