"""The recipe: an adaptive search in rounds, first coarse, then in narrower search ranges with longer trainings."""
