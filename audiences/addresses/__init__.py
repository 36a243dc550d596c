"""The addresses of a profile: how they are compared, attached, taken away, made
primary.
"""
