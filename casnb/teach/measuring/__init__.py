"""The measurement lab: build an enclave page by page, and see what MRENCLAVE makes of it."""
