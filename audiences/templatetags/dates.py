"""Dates in templates, in the one form that the console has."""

from django import template

from audiences.console import dates

register = template.Library()
register.filter("moment", dates.moment)
register.filter("day", dates.day)
