"""The failure gallery: TLS mistakes made for real."""
