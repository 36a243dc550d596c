"""What a run judges by: the delivery, its audience and its rules, as they began.

A run keeps its definition and judges by it alone, whatever operators change meanwhile.
A report is out of date, and a run is not resumed, when the definition has become
another one since.
"""

from collections.abc import Iterable
from typing import TypedDict

from audiences import membership
from audiences.conditions import Tree
from audiences.membership import Members
from audiences.refusals import Refused
from delivery import rules
from delivery.models import Analysis, Delivery, TypologyRule
from delivery.rules import Judge, Rule, Situation, controls, typologies
from delivery.rules.rule import OwnRule


class Definition(TypedDict):
    """A delivery, its audience and its rules, as plain data."""

    channel: str
    purpose: str
    service: int | None
    audience: int
    condition: Tree | None
    contact_date: str | None
    rules: list[OwnRule]


def definition_of(delivery: Delivery, rows: Iterable[TypologyRule]) -> Definition:
    """What the delivery is now, judged by these rules.

    Audiences that conditions name are put in their place.
    """
    date = delivery.contact_date
    return Definition(
        channel=delivery.channel,
        purpose=delivery.purpose,
        service=delivery.service_id,
        audience=delivery.audience_id,
        condition=membership.inlined(delivery.audience.condition),
        contact_date=date.isoformat() if date else None,
        rules=[
            own | {"condition": membership.inlined(own["condition"])}
            for own in typologies.judging(rows)
        ],
    )


def judge_of(run: Analysis) -> Judge:
    """The judge of a run: made once by each process that judges for it."""
    began: Definition = run.definition
    now = run.delivery.audience
    return Judge(
        Members(
            now.name,
            now.kind,
            began["audience"],
            now.service_id or 0,
            began["condition"],
        ),
        Situation(
            channel=began["channel"],
            purpose=began["purpose"],
            service_id=began["service"],
            at=run.at,
            delivery_id=run.delivery_id,
        ),
        rules_of(run),
        dict(TypologyRule.objects.values_list("code", "id")),
    )


def rules_of(run: Analysis) -> list[Rule]:
    """The rules with which the run began."""
    began: Definition = run.definition
    return typologies.in_order(began["rules"])


def is_stale(run: Analysis, rows: list[TypologyRule] | None = None) -> bool:
    """Whether the delivery, its audience or its rules are others than the run's.

    `rows` are the rules of its typology, where somebody has read them.

    So is a message in which the control rules find something else: a run says that a
    message may go, which must not outlive a change that takes its unsubscribe link.
    """
    told = [(found["code"], found["text"]) for found in run.findings]
    if rows is None:
        rows = rules.rows_of(run.delivery.typology)
    found = [(f["code"], f["text"]) for f in controls.inspect(run.delivery, rows)]
    try:
        return told != found or definition_of(run.delivery, rows) != run.definition
    except Refused:  # an audience that the condition names is gone
        return True
