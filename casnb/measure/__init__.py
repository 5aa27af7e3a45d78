"""Which code would run: the MRENCLAVE of an image or a program, and what its signer signed."""
