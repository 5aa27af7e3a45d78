"""The byte explorer: bytes, fields and checks, linked in all directions."""
