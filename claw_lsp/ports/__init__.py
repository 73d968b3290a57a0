"""What the engine and the tools ask of the world. Every port is filled by an adapter, a door or a test double.

All of them are awaited, except the log: its append is short and must be in order (the one blocking call allowed).
"""
