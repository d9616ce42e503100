"""Option classes of the commands, and ask and tell by CSV files."""
