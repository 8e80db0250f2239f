"""Runs in containers: Docker or Podman, spoken to by the Docker API."""
