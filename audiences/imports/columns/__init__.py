"""What the columns of a file mean: by name, by hand, or as other systems write them."""

from .people import channel_named
from .reading import ANY_VALUE, Columns, Reading, read_columns
from .samples import Sample, look_at

__all__ = [
    "ANY_VALUE",
    "Columns",
    "Reading",
    "Sample",
    "channel_named",
    "look_at",
    "read_columns",
]
