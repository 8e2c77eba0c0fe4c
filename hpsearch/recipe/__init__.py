"""The steps around a search that a careful engineer takes by hand."""
