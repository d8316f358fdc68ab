"""Values of a CloudFormation template, with its references to a deployed stack filled in.

Only what an API's and a schedule's properties use: Ref, Fn::GetAtt of an Arn, Fn::Sub, Fn::If and conditions, Fn::Join.
Anything else raises, so that a new construct in the template is noticed instead of passed on unresolved.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCOUNT = "000000000000"
NOTHING = object()
"""What AWS::NoValue stands for: the key or list entry is left out."""


@dataclass(frozen=True)
class Resolver:
    """Fills in the processed `template` from the stack's parameters and physical resource ids (logical -> physical)."""

    template: Mapping[str, Any]
    stack_name: str
    region: str
    parameters: Mapping[str, str]
    physical_ids: Mapping[str, str]

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref":
                return self._ref(argument)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NOTHING}

    def holds(self, condition: Any) -> bool:
        """Whether a condition holds, given by its name or as an expression."""
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        (name, argument), *_ = condition.items()
        match name:
            case "Condition":
                return self.holds(argument)
            case "Fn::Not":
                return not self.holds(argument[0])
            case "Fn::And":
                return all(map(self.holds, argument))
            case "Fn::Or":
                return any(map(self.holds, argument))
            case "Fn::Equals":
                left, right = map(self.resolve, argument)
                return bool(left == right)
        raise NotImplementedError(name)

    def _function(self, name: str, argument: Any) -> Any:
        match name:
            case "Fn::GetAtt":
                logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
                return self._attribute(logical_id, attribute)
            case "Fn::Sub":
                return self._substituted(argument)
            case "Fn::If":
                condition, then, otherwise = argument
                return self.resolve(then if self.holds(condition) else otherwise)
            case "Fn::Join":
                separator, parts = argument
                return separator.join(self.resolve(parts))
        raise NotImplementedError(name)

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NOTHING,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.physical_ids:
            return self.physical_ids[name]
        value = self.parameters[name]
        if self.template["Parameters"][name]["Type"] == "CommaDelimitedList":
            return [part.strip() for part in value.split(",")]
        return value

    def _attribute(self, logical_id: str, attribute: str) -> str:
        kind = self.template["Resources"][logical_id]["Type"]
        if (kind, attribute) != ("AWS::Lambda::Function", "Arn"):
            raise NotImplementedError(f"{attribute} of {kind}")
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.physical_ids[logical_id]}"

    def _substituted(self, argument: Any) -> str:
        text, names = (argument, {}) if isinstance(argument, str) else argument

        def value_of(match: re.Match[str]) -> str:
            name = match[1]
            if name in names:
                return str(self.resolve(names[name]))
            if "." in name:
                return self._attribute(*name.split(".", 1))
            return str(self._ref(name))

        return re.sub(r"\$\{([^!}][^}]*)\}", value_of, text).replace("${!", "${")
