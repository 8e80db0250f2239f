"""The monitor's image: statistics of a data set, constraints that it suggests, and what of a data set violates them."""
