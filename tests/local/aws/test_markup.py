"""XML as xmltodict writes it, which moto is made for."""

from __future__ import annotations

from typing import Any

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st

from missyou_local.aws.markup import unparse

NAMES = st.sampled_from(["item", "vpcId", "Tags", "member"])
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z")), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | TEXTS.map(str.encode)


def elements(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    attributes = st.dictionaries(st.sampled_from(["@xmlns", "@type"]), TEXTS, max_size=2)
    return st.builds(
        lambda attributes, text, parts: {**attributes, **text, **parts},
        attributes,
        st.just({}) | st.builds(lambda text: {"#text": text}, TEXTS),
        st.dictionaries(NAMES, inner | st.lists(inner, max_size=3), max_size=3),
    )


TREES = st.recursive(LEAVES, elements, max_leaves=12)


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("full", [True, False])
@given(tree=TREES)
def test_it_is_written_as_xmltodict_writes_it(full: bool, short: bool, tree: Any) -> None:
    body = {"DescribeVpcsResponse": tree}
    expected = xmltodict.unparse(body, full_document=full, short_empty_elements=short)
    assert unparse(body, full_document=full, short_empty_elements=short) == expected
