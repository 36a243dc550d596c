"""The public pages: who comes, what they see, what a POST does.

No cookie is read or set, nothing is loaded from elsewhere, and only POST changes
anything.
"""
