from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.domain.revenue import Charge, add_up


def charge(number, amount="20", refunded="0", currency="usd", paid=True, disputed=False):
    return Charge(f"ch_{number}", Decimal(amount), Decimal(refunded), currency, paid, disputed)


@pytest.mark.parametrize(
    ("charges", "expected"),
    [
        ([], ("0", "0", "0", "0", 0, 0, 0)),
        ([charge(1), charge(2, "100")], ("120", "0", "0", "4.08", 2, 0, 0)),
        ([charge(1), charge(1)], ("20", "0", "0", "0.88", 1, 0, 0)),
        ([charge(1, refunded="20")], ("20", "20", "0", "0.88", 1, 0, 0)),
        ([charge(1, refunded="5", disputed=True)], ("20", "5", "15", "0.88", 1, 0, 0)),
        ([charge(1, "0", paid=False)], ("0", "0", "0", "0", 0, 1, 0)),
        ([charge(1, "0")], ("0", "0", "0", "0", 0, 0, 0)),
        ([charge(1, currency="eur")], ("0", "0", "0", "0", 0, 0, 1)),
    ],
)
def test_add_up(charges, expected):
    found = add_up(charges)

    assert (found.revenue, found.refunded, found.disputed, found.fees) == tuple(map(Decimal, expected[:4]))
    assert (found.paid_charges, found.failed_charges, found.foreign_charges) == expected[4:]


@given(st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 10**7), st.booleans()), max_size=20))
def test_net_is_what_is_left_of_the_revenue(rows):
    found = add_up(
        charge(n, Decimal(a) / 100, Decimal(min(a, r)) / 100, disputed=d) for n, (a, r, d) in enumerate(rows)
    )

    assert found.net == found.revenue - found.refunded - found.disputed - found.fees
    assert found.refunded + found.disputed <= found.revenue
