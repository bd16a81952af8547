"""The files of deploy/elk that follow from its list of fields."""
