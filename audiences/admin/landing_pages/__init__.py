"""Landing pages in the console: their form, lives, previews and versions."""
