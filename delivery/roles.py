"""What the roles may do with deliveries and the quarantine."""

from audiences.roles import Code, grant, grant_to_all, of_models

PREPARE = "delivery.prepare_delivery"
SEND = "delivery.send_delivery"
RELEASE = "delivery.release_quarantineentry"
SKIP_DENYLIST = "delivery.skip_denylist"
# What came back and waits for somebody.
DECIDE = "delivery.change_inbounditem"

grant_to_all(
    *of_models(
        "delivery",
        "view",
        "delivery analysis message quarantineentry addresserror quarantineaction "
        "typology typologyrule inbounditem messageevent keyword hookcount sender seed",
    )
)
grant(
    [
        *of_models("delivery", "add change delete", "delivery typology typologyrule"),
        *(PREPARE, SEND),
    ],
    Code.DELIVERY_MANAGER,
)
grant(
    [
        *of_models("delivery", "add change delete", "quarantineentry"),
        *(RELEASE, DECIDE),
    ],
    Code.OPERATOR,
)
grant(
    of_models("delivery", "add change", "quarantineentry"),
    Code.PROTECTION_OFFICER,
)
# What a keyword does binds everybody who texts back; a sender speaks for all.
grant(
    [SKIP_DENYLIST, *of_models("delivery", "add change delete", "keyword sender seed")]
)
