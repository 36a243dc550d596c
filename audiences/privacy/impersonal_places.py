"""Models of this app and of others that have nothing about people, and why."""

from .places import impersonal

_OPERATORS = "about operators, whom nothing is sent to"
_PROGRAMS = "a program of the organisation, and operators"
_OURS = "what the organisation itself publishes"
_COUNTS = "counts"
_LEDGER = "hashes, and numbers of profiles: an erasure ends the salts behind them"
_HASHES = "keyed hashes and digests: nobody can be read in it"
impersonal(
    {
        "audiences.Allowance": _HASHES,
        "audiences.ApiKey": _PROGRAMS,
        "audiences.ApiSecret": _HASHES,
        "audiences.ApiUse": _COUNTS,
        "audiences.Departure": "numbers, for two days",
        "audiences.Endpoint": _PROGRAMS,
        "audiences.Figure": _COUNTS,
        "audiences.LandingPage": _OURS,
        "audiences.LandingPageAsset": _OURS,
        "audiences.LandingPageText": _OURS,
        "audiences.LandingPageVersion": _OURS,
        "audiences.LedgerCheckpoint": _LEDGER,
        "audiences.LedgerCount": _COUNTS,
        "audiences.LedgerErasure": _LEDGER,
        "audiences.LedgerLeaf": _LEDGER,
        "audiences.LedgerNode": _LEDGER,
        "audiences.LedgerRemoval": "moments",
        "audiences.LedgerOutlet": "a place outside that gets checkpoints",
        "audiences.LedgerSalt": _LEDGER,
        "audiences.LedgerStamp": _LEDGER,
        "audiences.LedgerState": _LEDGER,
        "audiences.LedgerWording": _OURS,
        "audiences.Lease": "which process has the clock",
        "audiences.MorningSummary": _OPERATORS,
        "audiences.Organisation": _OURS,
        "audiences.OwnField": "names of fields, that administrators have chosen",
        "audiences.Presence": "processes of the site",
        "audiences.RequestCount": _HASHES,
        "audiences.RetentionRule": "a rule, and operators",
        "audiences.Role": _OPERATORS,
        "audiences.Service": _OURS,
        "audiences.SignIn": _OPERATORS,
        "audiences.UsedProof": _HASHES,
        "auth.Group": _OPERATORS,
        "auth.Permission": _OPERATORS,
        "auth.User": _OPERATORS,
        "axes.AccessAttemptExpiration": _OPERATORS,
        "contenttypes.ContentType": "names of models",
        "otp_static.StaticDevice": _OPERATORS,
        "otp_static.StaticToken": _OPERATORS,
        "otp_totp.TOTPDevice": _OPERATORS,
        "sessions.Session": _OPERATORS,
    }
)
