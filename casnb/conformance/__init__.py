"""What any SGX verifier must refuse and must not: faults as evidence made to order, and the suite
of files that other implementers can use.
"""
