"""Landing pages: their lives, versions, changes and logos, without HTTP."""
