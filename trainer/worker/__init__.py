"""The background trainer thread: commands in, messages out."""
