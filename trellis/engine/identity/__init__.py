"""Finds what a resource became in AWS or in a cluster when the engine did not live to note its id."""
