"""How each language writes dates and times: in one form, with the month in letters.

Where a language is missing, Django's own forms are used.
"""
