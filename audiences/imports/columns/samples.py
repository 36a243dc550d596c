"""What stands in the columns of a file, for whoever says what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from audiences.files import TableFile, read_cell

from .action_words import plain
from .consent_words import says_consent

SAMPLES = 20
_LONGEST_SAMPLE = 60


@dataclass(slots=True)
class Sample:
    """What is in a column: some of its values, how many, and all of its words that are
    about consent."""

    filled: int = 0
    values: dict[str, int] = field(default_factory=dict)
    consent: set[str] = field(default_factory=set)

    @property
    def says_consent(self) -> bool:
        return bool(self.consent)

    def take(self, cell: str) -> None:
        text = read_cell(cell)
        if not text:
            return
        self.filled += 1
        if len(text) <= _LONGEST_SAMPLE and (
            text in self.values or len(self.values) < SAMPLES
        ):
            self.values[text] = self.values.get(text, 0) + 1
        if says_consent(text):
            self.consent.add(plain(text))


def look_at(file: TableFile, positions: Sequence[int]) -> dict[int, Sample]:
    """What is in these columns of the whole file."""
    samples = {position: Sample() for position in positions}
    for record in file.records() if positions else ():
        for position, sample in samples.items():
            if record.cells and record.cells[position]:
                sample.take(record.cells[position])
    return samples
