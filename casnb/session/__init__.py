"""The session language: reader, secrets, access, services, values, and the history of a session."""
