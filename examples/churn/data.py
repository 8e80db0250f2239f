"""Customers that never were, in the form of the synthetic churn data of AWS's examples: how somebody uses a telephone,
and whether they left. Nothing in it is about a person beyond that.

`python data.py > churn.csv`. Who calls by day a lot, has called the service often, or calls abroad without the plan for
it tends to leave, with and against each other; half of all do.
"""

import math
import random

ROWS = 5000
"""As many as the published file has."""
HEADING = (
    "State,Account Length,Area Code,Phone,Int'l Plan,VMail Plan,VMail Message,Day Mins,Day Calls,Day Charge,Eve Mins,"
    "Eve Calls,Eve Charge,Night Mins,Night Calls,Night Charge,Intl Mins,Intl Calls,Intl Charge,CustServ Calls,Churn?"
)
_STATES = (
    "AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR"
    " PA RI SC SD TN TX UT VA VT WA WI WV WY"
)


def customers(seed: int = 1, rows: int = ROWS) -> str:
    """CSV with the heading, the same for the same seed. `Churn?` is `True.` or `False.`, with the dot."""
    chance = random.Random(seed)
    lines = (",".join(map(str, _customer(chance))) for _ in range(rows))
    return "\n".join([HEADING, *lines, ""])


def _customer(chance: random.Random) -> tuple[str | float, ...]:
    day, evening, night, abroad = (max(0.0, chance.gauss(*one)) for one in ((5.5, 2), (5, 1.6), (4, 1.3), (4.5, 1.5)))
    plan_abroad, mailbox = chance.random() < 0.5, chance.random() < 0.5
    messages = chance.randrange(100, 800, 100) if mailbox else 0
    service = min(12, int(chance.expovariate(1 / 4.5)))
    leaves = (
        2.2 * (day - 5.4)
        + 1.3 * (service - 3.1)
        + (1.6 if plan_abroad else -1.6) * (1 if abroad < 4.5 else -1)
        - 0.003 * messages
        + 0.5 * (evening - 5) * (day > 5.5)
    )
    left = chance.random() < 1 / (1 + math.exp(-8 * leaves))
    number = f"{chance.randrange(350, 423)}-{chance.randrange(1000, 10000)}"
    return (
        chance.choice(_STATES.split()),
        chance.randrange(1, 201),
        chance.choice((408, 415, 510, 657, 676, 717, 758, 777, 787, 806, 824, 836, 847, 868, 878)),
        number,
        "yes" if plan_abroad else "no",
        "yes" if mailbox else "no",
        messages,
        *_calls(chance, day, 6, 1.0),
        *_calls(chance, evening, 5, 0.8),
        *_calls(chance, night, 300, 0.7),
        *_calls(chance, abroad, 6, 0.9),
        service,
        "True." if left else "False.",
    )


def _calls(chance: random.Random, minutes: float, calls: int, rate: float) -> tuple[float, int, float]:
    """Minutes, calls and the charge: it goes with the minutes, but not to the cent."""
    return round(minutes, 4), chance.randint(0, calls), round(max(0.0, minutes * rate + chance.gauss(0, 1.2)), 4)


if __name__ == "__main__":
    print(customers(), end="")
