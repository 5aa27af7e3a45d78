"""What everything else stands on: errors, views, spans, strict JSON, and how a package shows its
names. Of its modules one is public as it is: `strictjson`.
"""

__all__ = ["strictjson"]
