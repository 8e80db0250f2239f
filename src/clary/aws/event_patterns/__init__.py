"""Event patterns as Amazon EventBridge reads them: which JSON documents a rule is about.

    pattern = compile_pattern('{"source": ["aws.s3"], "detail": {"object": {"size": [{"numeric": [">", 0]}]}}}')
    pattern.matches(event)

A pattern is compiled once to closures: names and values are bound, nothing is interpreted while events are matched.
"""

from clary.aws.event_patterns.objects import EventPattern, Path, compile_pattern, values_at
from clary.aws.event_patterns.read import Malformed

__all__ = ["EventPattern", "Malformed", "Path", "compile_pattern", "values_at"]
