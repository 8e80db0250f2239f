"""AWS's built-in k-means: many centers in one pass over the data, reduced to k."""
