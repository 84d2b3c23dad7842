"""Sandbox: the local Gmail stand-in, simulated recipients and the demo workspace."""
