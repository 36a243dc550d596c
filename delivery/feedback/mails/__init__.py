"""Reading mails that came back: bounces, complaints, unsubscribe mails."""
