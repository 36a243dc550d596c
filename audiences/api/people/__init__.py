"""The API's resources about people: profiles, consent, suppressions, requests."""
