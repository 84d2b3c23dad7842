"""What members see of the reading of their documents: a picture, figures, a table to take along."""
