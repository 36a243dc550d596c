"""What a personal link may do, without HTTP: pages, mail and API call it.

`visit` reads who comes, which page it is and what is true of them. The acts are
`opting_out` (one click), `choosing` (boxes), `confirming` (a double opt-in) and
`undoing`; each answers with what is true afterwards.
"""
