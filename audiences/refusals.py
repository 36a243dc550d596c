"""What the domain refuses to do."""


class Refused(Exception):
    """Nothing was done; the message says why and what to do instead.

    Commands, pages and the API show the message as it is.
    """
