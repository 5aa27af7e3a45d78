"""The switchboard: flags, what they waive, and whom that lets in."""
