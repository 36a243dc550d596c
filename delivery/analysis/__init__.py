"""Who gets a delivery, who does not, and why: runs, reports, forecasts,
explanations.
"""
