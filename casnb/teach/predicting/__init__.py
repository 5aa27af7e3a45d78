"""Predict whether Mallory gets in, then let her try."""
