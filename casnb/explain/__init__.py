"""What a pasted line, script or message means."""
