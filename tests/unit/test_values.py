"""The table's types: what boto3's own serializer makes of a value, and back."""

from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from switchboard.store.values import typed, untyped

numbers = st.integers(-(10**38) + 1, 10**38 - 1) | st.decimals(
    min_value=-(10**9), max_value=10**9, places=6, allow_nan=False
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts | st.sets(texts, min_size=1, max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_a_value_goes_to_the_table_as_boto3_sends_it_and_comes_back_as_boto3_reads_it(value: Any) -> None:
    sent = TypeSerializer().serialize(value)
    assert typed(value) == sent
    assert untyped(sent) == TypeDeserializer().deserialize(sent) == value


@pytest.mark.parametrize(
    "value", [1.5, b"bytes", {1, 2}, set(), object(), Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity")]
)
def test_what_the_table_does_not_hold_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no place in the table"):
        typed(value)


@pytest.mark.parametrize("value", [10**38 + 1, Decimal("1." + "1" * 38), Decimal("1e127")])
def test_a_number_that_dynamodb_would_round_is_refused_as_boto3_refuses_it(value: Any) -> None:
    for serialize in (typed, TypeSerializer().serialize):
        try:
            serialize(value)
        except ArithmeticError:
            continue
        pytest.fail(f"{serialize} takes {value}")


def test_another_type_is_no_value_of_ours() -> None:
    with pytest.raises(TypeError):
        untyped({"B": b"bytes"})
