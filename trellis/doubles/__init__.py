"""Providers for a rehearsal, in the place of plugins that need a cloud: test doubles, never loaded by a real `up`."""
