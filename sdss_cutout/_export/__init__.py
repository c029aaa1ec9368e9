"""Pictures become a training set in one of several formats."""
