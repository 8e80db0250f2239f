"""Policies: documents, matching, conditions, evaluation. Knows no service."""

from clary.aws.policy.decision import Decision, Verdict

__all__ = ["Decision", "Verdict"]
