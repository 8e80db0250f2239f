"""AWS's built-in factorization machines: pairwise interactions of sparse features, by factors."""
