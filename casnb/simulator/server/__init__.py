"""The simulated CAS on the wire: listener, TLS, the two interfaces, what is stored, the audit
log.
"""
