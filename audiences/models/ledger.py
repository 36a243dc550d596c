"""The ledger: what makes an alteration of the history show, to outsiders too.

Only `audiences.ledger` writes these tables.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LedgerState(models.Model):
    """The one row that says since when there is a ledger, and how far it has sealed.

    `transaction_id` and `event_id` are those of the last event that is sealed.
    """

    origin = models.CharField(_("name of the ledger"), max_length=200)
    introduced_at = models.DateTimeField(_("introduced"))
    transaction_id = models.BigIntegerField(default=0)
    event_id = models.BigIntegerField(default=0)
    sealed_at = models.DateTimeField(_("last sealed"), null=True)

    class Meta:
        verbose_name = _("state of the ledger")
        verbose_name_plural = _("state of the ledger")

    def __str__(self) -> str:
        return self.origin


class LedgerLeaf(models.Model):
    """One leaf of the tree (RFC 9162, 2.1): what it is of, and its hash.

    `id` is its place, from 0 on without gaps. `evidence` is the digest of the event's
    evidence, so that a proof goes on holding when that is erased.
    """

    class Kind(models.IntegerChoices):
        INTRODUCTION = 0, _("Introduction of the ledger")
        EVENT = 1, _("Consent event")
        VERSION = 2, _("Published version of a page")
        BUILT_IN = 3, _("Built-in wording")
        ERASURE = 4, _("Erasure")
        REMOVAL = 5, _("Removal of old evidence")

    id = models.BigIntegerField(_("place"), primary_key=True)
    kind = models.PositiveSmallIntegerField(_("what it is of"), choices=Kind)
    source_id = models.BigIntegerField(_("number of that row"))
    hash = models.BinaryField(_("hash"))
    evidence = models.BinaryField(_("digest of the evidence"), null=True)

    class Meta:
        verbose_name = _("leaf of the ledger")
        verbose_name_plural = _("leaves of the ledger")
        constraints = [
            # Also: the leaf of an event; what has no leaf.
            models.UniqueConstraint(
                fields=["kind", "source_id"], name="ledgerleaf_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.source_id}"


class LedgerCount(models.Model):
    """How many events of one kind, from one source, have got a leaf.

    It only ever grows, whatever is erased: so it serves as a counter for monitoring.
    """

    kind = models.CharField(_("what"), max_length=16)
    source = models.CharField(_("source"), max_length=16)
    count = models.BigIntegerField(_("events"), default=0)

    class Meta:
        verbose_name = _("sealed events of a kind")
        verbose_name_plural = _("sealed events by kind")
        constraints = [
            models.UniqueConstraint(fields=["kind", "source"], name="ledgercount_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind}, {self.source}: {self.count:,}"


class LedgerNode(models.Model):
    """The hash of a complete subtree of 256 to the power of `level` leaves.

    So a proof reads a few hundred hashes, however large the tree is.
    """

    level = models.PositiveSmallIntegerField(_("level"))
    number = models.BigIntegerField(_("number"))
    hash = models.BinaryField(_("hash"))

    class Meta:
        verbose_name = _("node of the ledger")
        verbose_name_plural = _("nodes of the ledger")
        constraints = [
            models.UniqueConstraint(fields=["level", "number"], name="ledgernode_once")
        ]

    def __str__(self) -> str:
        return f"{self.level}: {self.number}"


class LedgerCheckpoint(models.Model):
    """A signed statement of how many leaves there are, and their root (C2SP)."""

    size = models.BigIntegerField(_("leaves"), unique=True)
    note = models.TextField(
        _("signed note"), help_text=_("As others read it: a signed note (C2SP).")
    )
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.size:,}"


class LedgerStamp(models.Model):
    """What a time-stamping service says of a checkpoint (RFC 3161)."""

    checkpoint = models.ForeignKey(
        LedgerCheckpoint, on_delete=models.PROTECT, related_name="stamps"
    )
    token = models.BinaryField(_("answer of the service"))
    stamped_at = models.DateTimeField(_("time by the service"))

    class Meta:
        verbose_name = _("time stamp")
        verbose_name_plural = _("time stamps")

    def __str__(self) -> str:
        return f"{self.stamped_at:%Y-%m-%d %H:%M:%S}"


class LedgerOutlet(models.Model):
    """A place outside that gets checkpoints: how far it is, and what went wrong."""

    name = models.CharField(_("place"), max_length=20, unique=True)
    size = models.BigIntegerField(_("leaves"), default=0)
    sent_at = models.DateTimeField(_("last sent"), null=True)
    problem = models.TextField(_("problem"), blank=True)

    class Meta:
        verbose_name = _("place for checkpoints")
        verbose_name_plural = _("places for checkpoints")

    def __str__(self) -> str:
        return self.name


class LedgerSalt(models.Model):
    """What makes the name of a person in the ledger theirs; erasure deletes it."""

    profile_id = models.BigIntegerField(_("profile"), primary_key=True)
    salt = models.BinaryField(_("salt"))

    class Meta:
        verbose_name = _("salt of a person")
        verbose_name_plural = _("salts of people")

    def __str__(self) -> str:
        return f"#{self.profile_id}"


class LedgerErasure(models.Model):
    """A person who was erased: the name in the ledger, which nothing leads to now.

    `at` is empty for those who were erased before there was a ledger.
    """

    profile_id = models.BigIntegerField(_("profile"), unique=True)
    subject = models.BinaryField(_("name in the ledger"))
    at = models.DateTimeField(_("erased"), null=True)
    is_sealed = models.BooleanField(_("sealed"), default=False)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        indexes = [
            # What is to be sealed: few, or none.
            models.Index(
                fields=["id"],
                condition=models.Q(is_sealed=False),
                name="ledgererasure_to_seal",
            )
        ]

    def __str__(self) -> str:
        return f"#{self.profile_id}"


class LedgerRemoval(models.Model):
    """That evidence recorded before a moment may be gone: a rule of retention ended it.

    It is sealed like all else, so nobody empties evidence and says nothing.
    """

    before = models.DateTimeField(_("recorded before"), unique=True)
    at = models.DateTimeField(_("removed"))

    class Meta:
        verbose_name = _("removal of old evidence")
        verbose_name_plural = _("removals of old evidence")

    def __str__(self) -> str:
        return f"{self.before:%Y-%m-%d %H:%M:%S}"


class LedgerWording(models.Model):
    """The wording of a built-in page, kept as it was: the code may change it."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    content = models.JSONField(_("content"))
    kept_at = models.DateTimeField(_("kept"))

    class Meta:
        verbose_name = _("built-in wording")
        verbose_name_plural = _("built-in wordings")

    def __str__(self) -> str:
        return self.name
