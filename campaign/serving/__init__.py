"""The site and its workers on one machine: what is started, and how requests come in."""
