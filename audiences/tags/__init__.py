"""Tags on people and audiences: making, putting on, taking off, finding."""

from audiences.tags.tags import (
    BadTag,
    TagInUse,
    delete_tag,
    ensure,
    find_tag,
    put_on,
    read_name,
    read_names,
    rename_tag,
    set_on,
    set_tags,
    tags_of,
    take_off,
    used_by,
    write_tags,
)

__all__ = [
    "BadTag",
    "TagInUse",
    "delete_tag",
    "ensure",
    "find_tag",
    "put_on",
    "read_name",
    "read_names",
    "rename_tag",
    "set_on",
    "set_tags",
    "tags_of",
    "take_off",
    "used_by",
    "write_tags",
]
