"""The site and its workers on one machine: what is started, how requests come in."""
