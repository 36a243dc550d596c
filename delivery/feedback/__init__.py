"""What comes back about messages: every report becomes events of one kind.

`events` has the vocabulary. Readers (mail, SMS, webhooks) turn what arrives into events
and store nothing; `delivery.feedback.intake` keeps what arrived, and applies them.
"""
