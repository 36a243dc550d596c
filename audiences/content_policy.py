"""What browsers may load and run on our pages: the Content-Security-Policy.

The policies begin with nothing and allow files of this host. None allows inline
scripts or `eval`, and only that of a mail allows inline styles.
"""

_NOTHING = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
}
_PUBLIC = {**_NOTHING, "frame-ancestors": "'none'"}
# Only for the proof of work: a script and its worker, both files of ours.
_PROOF = {"script-src": "'self'", "worker-src": "'self'", "connect-src": "'self'"}
# The console shows pages of ours in a frame, before they are published.
_CONSOLE = {
    **_NOTHING,
    "script-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "frame-ancestors": "'none'",
}


def of_public_page(*, needs_script: bool = False) -> str:
    return _written({**_PUBLIC, **(_PROOF if needs_script else {})})


def of_mail() -> str:
    """A mail in the browser: its styles stand beside its elements, its pictures lie
    anywhere, and nothing in it runs or asks for anything."""
    return _written(
        {
            **_PUBLIC,
            "style-src": "'unsafe-inline'",
            "img-src": "https: data:",
            "form-action": "'none'",
        }
    )


def of_api_docs() -> str:
    """The page that describes the API: its own scripts, and pictures inside its CSS."""
    return _written(
        {
            **_PUBLIC,
            "script-src": "'self'",
            "connect-src": "'self'",
            "img-src": "'self' data:",
        }
    )


def of_console() -> str:
    return _written(_CONSOLE)


def _written(policy: dict[str, str]) -> str:
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())
