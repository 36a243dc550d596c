"""Landing pages: their lives, versions, changes and logos, without HTTP."""

from audiences.landing_pages.contents import (
    Content,
    ServiceOnPage,
    built_in_content,
    built_in_name,
    built_in_texts,
    snapshot,
)
from audiences.landing_pages.publishing import (
    create,
    delete,
    duplicate,
    find,
    has_unpublished_changes,
    live,
    publish,
    unpublish,
)

__all__ = [
    "Content",
    "ServiceOnPage",
    "built_in_content",
    "built_in_name",
    "built_in_texts",
    "create",
    "delete",
    "duplicate",
    "find",
    "has_unpublished_changes",
    "live",
    "publish",
    "snapshot",
    "unpublish",
]
