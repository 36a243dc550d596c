"""Landing pages: their lives, versions, changes and logos, without HTTP."""

from audiences.landing_pages.lives import (
    Content,
    built_in_content,
    built_in_name,
    built_in_texts,
    create,
    delete,
    duplicate,
    find,
    has_unpublished_changes,
    live,
    publish,
    service_facts,
    snapshot,
    unpublish,
    version_named,
)

__all__ = [
    "Content",
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
    "service_facts",
    "snapshot",
    "unpublish",
    "version_named",
]
