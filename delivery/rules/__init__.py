"""The rules that exclude, and those that check the message; one object serves all
uses.
"""
