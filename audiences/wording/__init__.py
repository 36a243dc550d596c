"""Texts and how they are written: Markdown, places, colours, texts of pages.

Settings import this: there are no models here.
"""
