"""Tables of the documentation, made from result files."""
