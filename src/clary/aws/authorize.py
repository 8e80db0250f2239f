"""May this principal do this? An honest start: everybody of the home's account may do everything, nobody else anything.

Policies that users attach are stored and given back, but they decide nothing yet.
"""

from clary.aws.credentials import Principal
from clary.aws.errors import AccessDenied
from clary.aws.model import Operation
from clary.aws.refusals import Family


def authorize(principal: Principal, account: str, operation: Operation, family: Family) -> None:
    """Raises AccessDenied, under the code of the family, unless `principal` belongs to `account`."""
    if principal.account == account:
        return
    action = f"{operation.model.signing_name}:{operation.name}"
    message = f"User: {principal.arn} is not authorized to perform: {action} in the account {account}"
    raise AccessDenied(
        message, code={"json": "AccessDeniedException", "query": "AccessDenied", "s3": "AccessDenied"}[family]
    )
