"""Quantities as Kubernetes reads and writes them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_operator.api.quantity import canonical, mebibytes, parse


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("0", 0.0), ("1", 1.0), ("1.5", 1.5), ("300m", 0.3), ("2k", 2e3), ("1M", 1e6), ("1G", 1e9), ("1T", 1e12), ("1P", 1e15),
        ("1Ki", 2.0**10), ("8Mi", 2.0**23), ("8Gi", 2.0**33), ("1Ti", 2.0**40), ("1Pi", 2.0**50), ("0.5Gi", 2.0**29),
    ],
)  # fmt: skip
def test_parse(text: str, want: float) -> None:
    assert parse(text) == want


@pytest.mark.parametrize("text", ["", "1GB", "-1", "1e3", " 1", "1 ", "Gi", "1.Gi", ".5", "1K", "1gi", "1Gi\n", "１"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a Kubernetes quantity|could not convert"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2048Mi", "2Gi"), ("0.5", "500m"), ("1000m", "1"), ("8Gi", "8Gi"), ("4096Mi", "4Gi"), ("1.5Gi", "1536Mi"), ("1500Mi", "1500Mi"),
        ("0", "0"), ("0Gi", "0"), ("1000M", "1G"), ("1500m", "1500m"), ("2000", "2k"), ("32768Mi", "32Gi"), ("512Ki", "512Ki"), ("0.5Ki", "512"),
    ],
)  # fmt: skip
def test_canonical(text: str, want: str) -> None:
    assert canonical(text) == want


# Nothing finer than a thousandth, as the API server wants it of CPU.
quantities = st.one_of(
    st.builds("{}{}".format, st.integers(0, 9999), st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "Ti"])),
    st.builds("{}.{}{}".format, st.integers(0, 99), st.integers(0, 999), st.sampled_from(["", "M", "G", "Mi", "Gi"])),
)


@given(quantities)
@settings(max_examples=60, deadline=None)
def test_canonical_is_stable_and_keeps_the_amount(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once
    assert parse(once) == pytest.approx(parse(text), rel=1e-6, abs=2e-3)


@pytest.mark.parametrize(
    ("amount", "want"), [(2**30, "1024Mi"), (2**20, "1Mi"), (2**20 - 1, "1Mi"), (0, "1Mi"), (2**20 * 2.9, "2Mi")]
)
def test_mebibytes(amount: float, want: str) -> None:
    assert mebibytes(amount) == want
