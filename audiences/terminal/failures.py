"""What commands say when the machine or the database fails, in place of a traceback."""

import errno

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError

# PostgreSQL, appendix A: read_only_sql_transaction. Django calls it an internal error.
READ_ONLY = "25006"
# No room, no right to write, no handles, a disk that fails: with or without a file.
OF_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO),
}


def of_machine(error: OSError) -> CommandError | None:
    """One clear line; None where neither a file nor the machine is to blame."""
    if error.filename:
        return CommandError(f"{error.filename}: {error.strerror}.")
    if error.errno in OF_MACHINE:
        return CommandError(f"The machine failed: {error.strerror}.")
    return None


def of_database(error: Exception) -> CommandError | None:
    """One clear line; None where the database works, and the statement is wrong."""
    is_read_only = getattr(error.__cause__, "pgcode", "") == READ_ONLY
    if not is_read_only and not isinstance(error, OperationalError | InterfaceError):
        return None
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return CommandError(
        f"The database failed: {said}. See that it runs, has room and takes writes, "
        "and that DATABASE_URL names it; then try again."
    )
