"""What is misconfigured, missing, late or insecure about a site, with the remedy."""

from campaign.doctor.findings import Finding, Severity, examinations, examine

__all__ = ["Finding", "Severity", "examinations", "examine"]
