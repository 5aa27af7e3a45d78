"""Names that every room uses: errors, spans of time, strict JSON, text and HTML."""
