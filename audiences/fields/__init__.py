"""Own fields: their definitions, what people have in them, and who may edit them."""

from audiences.fields.definitions import (
    BadField,
    FieldInUse,
    all_fields,
    change_field,
    create_field,
    delete_field,
    reserved,
    used_by,
)
from audiences.fields.editing import editable
from audiences.fields.reading import Value, as_text, read_value
from audiences.fields.values import set_values, values_of, write_values

__all__ = [
    "BadField",
    "FieldInUse",
    "Value",
    "all_fields",
    "as_text",
    "change_field",
    "create_field",
    "delete_field",
    "editable",
    "read_value",
    "reserved",
    "set_values",
    "used_by",
    "values_of",
    "write_values",
]
