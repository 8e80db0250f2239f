"""The PyTorch images: programs that train, alone or on several hosts, and serve."""
