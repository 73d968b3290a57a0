"""The policy against real bash: what it allows is run where nothing else can be hurt, and looked at for what it did.

Read `hunt.py` first. `python -m tests.security.fuzz --inputs 1000000` is the long run.
"""
