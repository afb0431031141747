"""Text classifiers trained from word vectors."""
