"""The command `scone`, one file for each of its commands."""
