"""Policies: documents, matching, conditions, evaluation. Knows no service."""

from clary.aws.policy.decision import Decision, Verdict
from clary.aws.policy.document import Kind, Policy, Question, Statement, parse
from clary.aws.policy.errors import Malformed
from clary.aws.policy.evaluate import Match, Policies, evaluate, matches
from clary.aws.policy.principals import Who

__all__ = [
    "Decision",
    "Kind",
    "Malformed",
    "Match",
    "Policies",
    "Policy",
    "Question",
    "Statement",
    "Verdict",
    "Who",
    "evaluate",
    "matches",
    "parse",
]
