"""export_quarantine"""

from typing import Any

from audiences.terminal import CampaignCommand
from delivery.quarantine import files


class Command(CampaignCommand):
    help = (
        "Write all entries that are not valid to stdout, as a CSV file that "
        "import_quarantine reads."
    )

    def run(self, **options: Any) -> None:
        self.write_csv(files.COLUMNS, files.export_rows())
