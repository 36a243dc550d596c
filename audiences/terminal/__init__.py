"""How commands speak: arguments, output, progress, exit codes."""
