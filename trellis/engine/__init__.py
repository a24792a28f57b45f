"""Runs the unchanged program in the real Pulumi engine, on a copy of the project that is thrown away."""
