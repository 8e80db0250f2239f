"""Floor 2. The wire: AWS's protocols, signatures and error shapes, driven by botocore's service models."""
