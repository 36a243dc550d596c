"""What an operator or a script does from the shell."""
