"""A judgement in words: for a terminal, for a pull request, for a machine."""
