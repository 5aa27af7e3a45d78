"""Mallory: the attacks, where they stand, what they need, and what stops them. Everything really
runs.
"""
