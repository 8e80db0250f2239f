"""How fast the clock of scaling runs.

At speed 1 everything lasts as long as on AWS. At speed 30 periods, windows and cooldowns are 30 times shorter, as far
as alarms can be: their shortest period is 10 seconds, so a window is at least one period of 10 seconds. Alarms are made
with the periods and thresholds that are really evaluated: what DescribeAlarms shows is true at every speed.
"""

import math
from dataclasses import dataclass
from typing import Final

_PERIODS: Final = (60, 30, 20, 10)
_OUT_POINTS: Final = 3
_IN_SECONDS: Final = 900
MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Window:
    """What an alarm of target tracking looks at."""

    period: int
    """Seconds."""
    points: int


@dataclass(frozen=True, slots=True)
class Pace:
    """The port: the speed of this home's scaling."""

    speed: float = 1.0

    def seconds(self, aws: float) -> float:
        """How long lasts here what lasts so many seconds on AWS."""
        return aws / self.speed

    @property
    def minute(self) -> float:
        """Seconds between two calls of an alarm that goes off; a second at least."""
        return max(1.0, self.seconds(MINUTE))

    def period(self, aws: int) -> int:
        """Seconds: the longest period that alarms can have and that is not longer than the period at this speed."""
        wanted = aws / self.speed
        return next((one for one in _PERIODS if one <= wanted), _PERIODS[-1])

    def scale_out(self, period: int) -> Window:
        """Three periods, as on AWS."""
        return self._window(period, _OUT_POINTS * period)

    def scale_in(self, period: int) -> Window:
        """15 minutes, as on AWS."""
        return self._window(period, _IN_SECONDS)

    def _window(self, period: int, seconds: int) -> Window:
        real = self.period(period)
        return Window(real, max(1, math.ceil(seconds / self.speed / real)))
