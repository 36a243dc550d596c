"""The only place that opens a cursor: statements, locks, limits, staging."""
