"""One module for each command: it parses, calls one domain function, prints."""
