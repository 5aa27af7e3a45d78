"""Tables of the documentation, made from the rows that judge, teach and explain."""
