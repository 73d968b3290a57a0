"""What shell commands are confined with: bubblewrap, else Landlock, on macOS Seatbelt; and the proxy that lets some hosts through."""
