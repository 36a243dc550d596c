"""Who gets a delivery, who does not, and why: runs, reports, forecasts,
explanations.
"""

from delivery.analysis.explanation import explain
from delivery.analysis.forecasting import dry_run, forecast
from delivery.analysis.reports import WARNINGS, Report

from .run_locks import AnalysisBusy, AnalysisRefused, is_at_work
from .runs import analyse
from .working import Progress, progress_of, request_stop

__all__ = [
    "WARNINGS",
    "AnalysisBusy",
    "AnalysisRefused",
    "Progress",
    "Report",
    "analyse",
    "dry_run",
    "explain",
    "forecast",
    "is_at_work",
    "progress_of",
    "request_stop",
]
