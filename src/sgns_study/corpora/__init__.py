"""Where text comes from: one module a corpus, each yielding documents in a fixed order."""
