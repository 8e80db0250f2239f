"""The policy simulator through boto3; above all, it says what really happens."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.iam_house import FULL, TRUST, document, keys_of, refused
from tests.inprocess import ACCOUNT, InProcess


def decisions(answer: Any) -> dict[tuple[str, str], str]:
    return {
        (one["EvalActionName"], one["EvalResourceName"]): one["EvalDecision"] for one in answer["EvaluationResults"]
    }


def test_a_custom_policy_is_simulated(iam: Any) -> None:
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::lake*"},
                {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"},
            ],
        },
        indent=2,
    )
    answer = iam.simulate_custom_policy(
        PolicyInputList=[text],
        ActionNames=["s3:GetObject", "s3:DeleteObject"],
        ResourceArns=["arn:aws:s3:::lake/a", "arn:aws:s3:::other/a"],
    )
    assert decisions(answer) == {
        ("s3:GetObject", "arn:aws:s3:::lake/a"): "allowed",
        ("s3:GetObject", "arn:aws:s3:::other/a"): "implicitDeny",
        ("s3:DeleteObject", "arn:aws:s3:::lake/a"): "explicitDeny",
        ("s3:DeleteObject", "arn:aws:s3:::other/a"): "explicitDeny",
    }
    allowed, silent, denied, _ = answer["EvaluationResults"]
    lines = text.splitlines()
    (matched,) = allowed["MatchedStatements"]
    assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == ("PolicyInputList.1", "none")
    start, end = matched["StartPosition"], matched["EndPosition"]
    assert lines[start["Line"] - 1][start["Column"] - 1] == "{"
    assert lines[end["Line"] - 1][end["Column"] - 2] == "}"
    assert "Allow" in "".join(lines[start["Line"] - 1 : end["Line"]])
    assert silent["MatchedStatements"] == []
    assert denied["MatchedStatements"][0]["StartPosition"]["Line"] > end["Line"]


def test_what_is_attached_to_a_principal_is_simulated(iam: Any) -> None:
    own = iam.create_policy(PolicyName="own", PolicyDocument=document("s3:GetObject"))["Policy"]["Arn"]
    iam.create_group(GroupName="team")
    iam.put_group_policy(GroupName="team", PolicyName="queues", PolicyDocument=document("sqs:SendMessage"))
    user = iam.create_user(UserName="ada")["User"]["Arn"]
    iam.add_user_to_group(GroupName="team", UserName="ada")
    iam.attach_user_policy(UserName="ada", PolicyArn=own)
    iam.attach_user_policy(UserName="ada", PolicyArn=FULL)
    iam.put_user_policy(UserName="ada", PolicyName="mine", PolicyDocument=document("sns:Publish"))
    actions = ["s3:GetObject", "sqs:SendMessage", "sns:Publish", "sagemaker:CreateModel", "iam:CreateUser"]
    answer = iam.simulate_principal_policy(PolicySourceArn=user, ActionNames=actions)
    told = {one["EvalActionName"]: one for one in answer["EvaluationResults"]}
    assert [told[action]["EvalDecision"] for action in actions] == ["allowed"] * 4 + ["implicitDeny"]
    sources = {
        (matched["SourcePolicyId"], matched["SourcePolicyType"])
        for action in actions[:4]
        for matched in told[action]["MatchedStatements"]
    }
    assert sources >= {("own", "user-managed"), ("group_team_queues", "group"), ("user_ada_mine", "user")}
    assert ("AmazonSageMakerFullAccess", "aws-managed") in sources
    more = iam.simulate_principal_policy(
        PolicySourceArn=user,
        ActionNames=["iam:CreateUser", "sns:Publish"],
        PolicyInputList=[document("iam:*"), document("sns:*", effect="Deny")],
    )
    assert [one["EvalDecision"] for one in more["EvaluationResults"]] == ["allowed", "explicitDeny"]
    group = user.replace("user/ada", "group/team")
    assert decisions(iam.simulate_principal_policy(PolicySourceArn=group, ActionNames=actions[:2])) == {
        ("s3:GetObject", "*"): "implicitDeny",
        ("sqs:SendMessage", "*"): "allowed",
    }
    without = [
        ([{"PolicyArn": own}], "s3:GetObject"),
        ([{"PolicyType": "inline"}], "sns:Publish"),
        (
            [{"InlinePolicyIdentifier": {"PolicyName": "mine", "AttachmentType": "user", "AttachmentName": "ada"}}],
            "sns:Publish",
        ),
    ]
    for excluded, action in without:
        if action == "s3:GetObject":
            iam.detach_user_policy(UserName="ada", PolicyArn=FULL)
        answer = iam.simulate_principal_policy(PolicySourceArn=user, ActionNames=[action], PolicyExclusionList=excluded)
        assert answer["EvaluationResults"][0]["EvalDecision"] == "implicitDeny"


def test_context_is_given_or_missed(iam: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "*",
        "Condition": {
            "StringLike": {"s3:prefix": "${aws:username}/*"},
            "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        },
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"] == [
        "aws:SourceIp",
        "aws:username",
        "s3:prefix",
    ]
    user = iam.create_user(UserName="ada")["User"]["Arn"]
    iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=text)
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=user)["ContextKeyNames"]
    assert {"aws:SourceIp", "s3:prefix"} <= set(keys)
    ask = {"PolicySourceArn": user, "ActionNames": ["s3:ListBucket"]}
    (silent,) = iam.simulate_principal_policy(**ask)["EvaluationResults"]
    assert silent["EvalDecision"] == "implicitDeny"
    assert silent["MissingContextValues"] == ["aws:SourceIp", "s3:prefix"]
    entries = [
        {"ContextKeyName": "S3:Prefix", "ContextKeyValues": ["ada/x"], "ContextKeyType": "string"},
        {"ContextKeyName": "aws:sourceip", "ContextKeyValues": ["10.1.2.3"], "ContextKeyType": "ip"},
    ]
    (allowed,) = iam.simulate_principal_policy(ContextEntries=entries, **ask)["EvaluationResults"]
    assert (allowed["EvalDecision"], allowed["MissingContextValues"]) == ("allowed", [])
    entries[0]["ContextKeyValues"] = ["bob/x"]
    assert decisions(iam.simulate_principal_policy(ContextEntries=entries, **ask)) == {
        ("s3:ListBucket", "*"): "implicitDeny"
    }


def test_a_boundary_bounds_the_simulation(iam: Any) -> None:
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=document("s3:Get*"))["Policy"]["Arn"]
    user = iam.create_user(UserName="ada", PermissionsBoundary=bound)["User"]["Arn"]
    iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=document("s3:*"))
    ask = {"PolicySourceArn": user, "ActionNames": ["s3:GetObject", "s3:PutObject"]}
    told = iam.simulate_principal_policy(**ask)["EvaluationResults"]
    assert [one["EvalDecision"] for one in told] == ["allowed", "implicitDeny"]
    assert [one["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"] for one in told] == [True, False]
    wider = iam.simulate_principal_policy(PermissionsBoundaryPolicyInputList=[document("s3:Put*")], **ask)
    assert [one["EvalDecision"] for one in wider["EvaluationResults"]] == ["implicitDeny", "allowed"]


def test_a_resource_s_policy_is_simulated_with_a_caller(iam: Any) -> None:
    user = iam.create_user(UserName="ada")["User"]["Arn"]
    statement = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "s3:GetObject", "Resource": "*"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    ask = {"ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::lake/a"], "ResourcePolicy": text}
    (told,) = iam.simulate_principal_policy(PolicySourceArn=user, **ask)["EvaluationResults"]
    assert told["EvalDecision"] == "allowed"
    assert told["MatchedStatements"][0]["SourcePolicyType"] == "resource"
    custom = {"PolicyInputList": [document("sqs:*")], **ask}
    assert refused(iam.simulate_custom_policy, **custom)[0] == "InvalidInput"
    (told,) = iam.simulate_custom_policy(CallerArn=user, **custom)["EvaluationResults"]
    assert told["EvalDecision"] == "allowed"


def test_results_come_in_pages(iam: Any) -> None:
    asked = {"PolicyInputList": [document("s3:*")], "ActionNames": [f"s3:Do{i}" for i in range(5)]}
    pages = list(iam.get_paginator("simulate_custom_policy").paginate(PaginationConfig={"PageSize": 2}, **asked))
    assert [len(page["EvaluationResults"]) for page in pages] == [2, 2, 1]
    marker = pages[0]["Marker"]
    asked["ActionNames"] = ["s3:Other"]
    assert refused(iam.simulate_custom_policy, Marker=marker, **asked)[0] == "ValidationError"


def test_bad_input_is_refused(iam: Any) -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    code, message = refused(iam.simulate_principal_policy, PolicySourceArn=root, ActionNames=["s3:GetObject"])
    assert code == "InvalidInput" and "does not clearly define" in message
    none = f"arn:aws:iam::{ACCOUNT}:role/none"
    assert refused(iam.simulate_principal_policy, PolicySourceArn=none, ActionNames=["s3:*"])[0] == "NoSuchEntity"
    ask = {"PolicyInputList": [document("s3:*")]}
    assert refused(iam.simulate_custom_policy, ActionNames=["s3:*"], **ask)[0] == "InvalidInput"
    assert refused(iam.simulate_custom_policy, ActionNames=["s3:Get"], PolicyInputList=["{}"])[0] == "InvalidInput"
    organization = [{"ServiceControlPolicyInputList": [document("s3:*")]}]
    ask_all = {"ActionNames": ["s3:Get"], "OrderedOrganizationPolicyInputList": organization}
    assert refused(iam.simulate_custom_policy, **ask_all, **ask)[0] == "NotImplemented"
    other = {"ResourceOwner": "arn:aws:iam::999999999999:root", "ActionNames": ["s3:Get"]}
    assert refused(iam.simulate_custom_policy, **other, **ask)[0] == "NotImplemented"


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize("action", ["iam:ListUsers", "iam:ListRoles", "iam:GetAccountSummary"])
def test_the_simulator_says_what_happens(iam: Any, wire: InProcess, action: str, effect: str) -> None:
    user = iam.create_user(UserName="ada")["User"]["Arn"]
    iam.put_user_policy(UserName="ada", PolicyName="all", PolicyDocument=document("iam:List*"))
    iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=document("iam:ListRoles", effect=effect))
    mine = wire.client("iam", keys=keys_of(wire, "ada"))
    call = {"iam:ListUsers": mine.list_users, "iam:ListRoles": mine.list_roles}.get(action, mine.get_account_summary)
    try:
        call()
        happened = "allowed"
    except ClientError as error:
        happened = "explicitDeny" if "explicit deny" in str(error) else "implicitDeny"
    assert decisions(iam.simulate_principal_policy(PolicySourceArn=user, ActionNames=[action])) == {
        (action, "*"): happened
    }


def test_a_role_is_simulated(iam: Any) -> None:
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.attach_role_policy(RoleName="r", PolicyArn=FULL)
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["sagemaker:CreateTrainingJob", "iam:CreateUser"]
    )
    assert list(decisions(answer).values()) == ["allowed", "implicitDeny"]
