"""One file or folder per outside thing."""
