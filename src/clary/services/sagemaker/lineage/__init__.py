"""Lineage: which data, code and images a model was made of, and what was made of it. See docs/lineage.md."""

from clary.services.sagemaker.lineage import (
    actions,
    artifacts,
    associations,
    contexts,
    entities,
    groups,
    query,
    recording,
)

__all__ = ["actions", "artifacts", "associations", "contexts", "entities", "groups", "query", "recording"]
