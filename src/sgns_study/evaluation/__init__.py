"""What the models are worth: summaries of the tidy tables, statistics, claims."""
