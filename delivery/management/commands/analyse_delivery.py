"""analyse_delivery DELIVERY [--dry-run | --background] [--json]"""

from typing import Any

from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_delivery,
    add_json,
    number,
    stop_on_interrupt,
)
from delivery import analysis, deliveries, tasks
from delivery.analysis import preparation
from delivery.models import Delivery

# Of connections, and of workers.
MOST_HELPERS = 64


class Command(CampaignCommand):
    help = (
        "Compute who gets a delivery, who is excluded, and why. Nothing is sent. "
        "Ctrl-C stops after the present chunk; the next call goes on from there. "
        "Analysing a prepared delivery again replaces its results."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--dry-run", action="store_true", help="Compute the report; store nothing."
        )
        how.add_argument(
            "--background",
            action="store_true",
            help="Leave it to the background workers and return at once.",
        )
        parser.add_argument(
            "--connections",
            type=number(1, MOST_HELPERS),
            metavar="N",
            help="Connections to PostgreSQL that judge at once (default 1).",
        )
        parser.add_argument(
            "--workers",
            type=number(0, MOST_HELPERS),
            metavar="N",
            help="Background workers (Celery) that are asked to help, on PostgreSQL.",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        self._refuse_contradictions(**options)
        delivery = deliveries.find(options["delivery"])
        if options["background"]:
            preparation.ask(delivery, actor="a command")
            self.note(f"The analysis of {delivery.label} waits for a worker.")
            if options["json"]:
                self.write_json({**_about(delivery), "state": preparation.WAITING})
            return
        if options["dry_run"]:
            report = analysis.dry_run(delivery)
        else:
            with self.progress("Analysing") as progress, stop_on_interrupt() as asked:
                report = analysis.analyse(
                    delivery,
                    connections=options["connections"] or 1,
                    on_begin=lambda run: tasks.wake_helpers(
                        run, options["workers"] or 0
                    ),
                    on_progress=lambda p: progress(p.done, p.expected),
                    should_stop=asked,
                )
        if options["json"]:
            self.write_json(_as_json(delivery, report))
        else:
            self._write(delivery, report, dry_run=options["dry_run"])
        if report.error:
            raise CommandError(report.error)
        if not options["dry_run"] and report.state != Delivery.State.READY:
            raise CommandError(f"The analysis is {report.state}; call again to go on.")

    def _refuse_contradictions(self, **options: Any) -> None:
        """What does not run here cannot be told how to run."""
        for how in ("background", "dry_run"):
            for name in ("connections", "workers"):
                if options[how] and options[name]:
                    raise CommandError(
                        f"--{how.replace('_', '-')} takes no --{name}.", returncode=2
                    )

    def _write(
        self, delivery: Delivery, report: analysis.Report, *, dry_run: bool
    ) -> None:
        about = f"{delivery.label} ({delivery.get_channel_display()})"
        if report.notice:
            self.say(f"NOTE: {report.notice}")
        self.say(f"{about}: {'dry run' if dry_run else report.state}")
        self.write_table(
            ["", "profiles", "share"],
            [
                ["Targeted (everyone in the audience)", report.targeted, ""],
                ["To deliver", report.to_deliver, _share(report, report.to_deliver)],
                ["Excluded", report.excluded, _share(report, report.excluded)],
            ],
        )
        self.write_table(
            ["cause", "code", "profiles", "share"],
            [
                [line.label, line.code, line.count, _share(report, line.count)]
                for line in report.causes
            ],
            title="Exclusion causes, in the order in which they decide",
        )
        for line in report.warnings:
            if line.count:
                self.say(f"Warning ({line.count:,}): {line.label} [{line.code}]")
        self.say(f"{report.seconds:.2f} seconds")


def _share(report: analysis.Report, count: int) -> str:
    return f"{count / report.targeted:.1%}" if report.targeted else ""


def _as_json(delivery: Delivery, report: analysis.Report) -> dict[str, Any]:
    """The report as the contract has it."""
    return {**_about(delivery), "state": report.state, **report.figures()}


def _about(delivery: Delivery) -> dict[str, Any]:
    return {
        "delivery": {
            "id": delivery.pk,
            "label": delivery.label,
            "channel": delivery.channel,
            "purpose": delivery.purpose,
        }
    }
