"""What the API refuses, one function per rule."""
