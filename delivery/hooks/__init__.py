"""Webhooks: what providers of email and text messages report, by HTTP.

A call is believed by its signature alone. `gate` holds what all have in common; what a
verified call says goes to `delivery.feedback.intake`, raw first.
"""
