"""Long trials that are commands of their own: `python -m tests.torture.kills`."""
