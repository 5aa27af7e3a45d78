"""A TLS connection pinned to a certificate: the exchange, its errors, the chain, and recipes for
other tools.
"""
