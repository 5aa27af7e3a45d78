"""The tamper lab: change bytes, sign again, and see which check notices."""
