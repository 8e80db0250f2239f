"""Multi-model instances: what stands before a container that holds many models, and fetches them from S3."""
