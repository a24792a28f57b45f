"""A rehearsal: the unchanged program's whole life on this machine, act by act, with evidence at the end."""
