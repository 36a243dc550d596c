"""How well and how fast mail that comes back is read: make bench-feedback CORPUS=DIR

DIR has mails and an expected.csv (tests/feedback/corpus.py says what is in it); without
it, the mails that the tests carry. --all lists each mail that differs.
"""

import os
import random
import sys
import time
from pathlib import Path

import django

from tests.benchmarks import bench_intake

MUTATIONS = 2_000


def main(folder: str, *, lists_all: bool) -> None:
    from delivery.feedback.mails.reader import reading_of
    from tests.feedback import corpus
    from tests.feedback.mutations import mutated

    path = Path(folder) if folder else corpus.OURS
    figures = corpus.measure(path)
    seconds = sum(figures.seconds)
    print(f"{figures.mails} mails, {figures.recipients} recipients: {path.name}")
    _share("recipients found", figures.found, figures.recipients)
    others = figures.mails - figures.controls
    _share("mails with a wrong address", len(figures.with_wrong_address), others)
    _share("agreement on hard or soft", figures.agreed, figures.judged)
    print(
        f"acted on negative controls: {len(figures.acted_on_controls)} "
        f"of {figures.controls}"
    )
    print(
        f"speed: {figures.mails / seconds:,.0f} mails/s on one core, "
        f"slowest {max(figures.seconds) * 1000:.0f} ms"
    )
    mails = [raw for _name, raw in corpus.mails_of(path)]
    slowest, raised = 0.0, 0
    dice = random.Random(1)
    mutations = int(os.environ.get("FUZZ", MUTATIONS))
    for _number in range(mutations):
        raw = mutated(dice.choice(mails), dice)
        started = time.process_time()
        try:
            reading_of(raw)
        except Exception as error:
            raised += 1
            print(f"raised {error!r}")
        slowest = max(slowest, time.process_time() - started)
    print(
        f"{mutations:,} mutated mails: {raised} exceptions, "
        f"slowest {slowest * 1000:.0f} ms"
    )
    bench_intake.measure_apart()
    if lists_all:
        for title in ("missed", "with_wrong_address", "disagreed", "acted_on_controls"):
            print(f"\n{title}")
            print("\n".join(f"  {line}" for line in getattr(figures, title)))


def _share(name: str, part: int, whole: int) -> None:
    print(f"{name}: {part} of {whole} ({part / max(whole, 1):.1%})")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "campaign.settings")
    django.setup()
    names = [word for word in sys.argv[1:] if word != "--all"]
    main(names[0] if names else "", lists_all="--all" in sys.argv)
