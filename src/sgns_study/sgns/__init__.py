"""Skip-gram with negative sampling: the objective, its recipes and the vectors they give."""
