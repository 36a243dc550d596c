"""analyse_delivery DELIVERY [--dry-run] [--json]"""

from typing import Any

from audiences.terminal import (
    CampaignCommand,
    CommandError,
    CommandParser,
    add_delivery,
    add_json,
    stop_on_interrupt,
)
from delivery import analysis, deliveries, tasks
from delivery.analysis import preparation
from delivery.models import Delivery


class Command(CampaignCommand):
    help = (
        "Compute who gets a delivery, who is excluded, and why. Nothing is sent. "
        "Ctrl-C stops after the present chunk; the next call goes on from there. "
        "Analysing a prepared delivery again replaces its results."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_delivery(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="Compute the report; store nothing."
        )
        parser.add_argument(
            "--connections",
            type=int,
            default=1,
            metavar="N",
            help="Connections to PostgreSQL that judge at once (default 1).",
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=0,
            metavar="N",
            help="Background workers (Celery) that are asked to help, on PostgreSQL.",
        )
        parser.add_argument(
            "--background",
            action="store_true",
            help="Leave it to the background workers and return at once.",
        )
        add_json(parser)

    def run(self, **options: Any) -> None:
        delivery = deliveries.find(options["delivery"])
        if options["background"]:
            preparation.ask(delivery, actor="a command")
            self.note(f"The analysis of {delivery.label} waits for a worker.")
            return
        if options["dry_run"]:
            report = analysis.dry_run(delivery)
        else:
            with self.progress("Analysing") as progress, stop_on_interrupt() as asked:
                report = analysis.analyse(
                    delivery,
                    connections=max(1, min(options["connections"], 64)),
                    on_begin=lambda run: tasks.wake_helpers(run, options["workers"]),
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
    return {
        "delivery": {
            "id": delivery.pk,
            "label": delivery.label,
            "channel": delivery.channel,
            "purpose": delivery.purpose,
        },
        "state": report.state,
        **report.figures(),
    }
