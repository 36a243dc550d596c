"""Webhooks: reports of email and SMS providers, by HTTP.

Only its signature makes a call credible. `gate` holds what all hooks have in common;
the content of a verified call goes to `delivery.feedback.intake`, raw first.
"""
