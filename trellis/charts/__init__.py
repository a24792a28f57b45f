"""Charts: a cache of their archives, locked by digest, and what Helm makes of them with a stack's values."""
