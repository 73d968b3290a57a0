"""What plays the other side: shipped, because the demo and the editor shims use it too."""
