"""What linear learner, k-means and factorization machines share: channels, hosts, requests, answers, artifacts."""
