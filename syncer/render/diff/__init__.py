"""What differs between two values, as rows and lines. Pure."""
