"""One check, the ordered list that is a result, and the catalogue of all checks."""
