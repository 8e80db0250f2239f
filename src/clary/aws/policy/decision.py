"""What the policies said."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["allowed", "explicitDeny", "implicitDeny"]
"""In the words of SimulatePrincipalPolicy."""


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    because: str = ""
    """The end of AWS's sentence, for example "because no identity-based policy allows the s3:GetObject action"."""

    @property
    def allowed(self) -> bool:
        return self.verdict == "allowed"
