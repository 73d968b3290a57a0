"""Front door 2: a turn with a transcript on stdout."""
