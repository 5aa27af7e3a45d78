"""The history of a session as a panel."""
