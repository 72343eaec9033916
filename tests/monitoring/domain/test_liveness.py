import pytest

from monitoring.domain.liveness import Parts, PartState, PortalState

OK, GONE, SILENT = PartState.OK, PartState.NO_ANSWER, PartState.SILENT


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        (Parts(OK, OK, OK, OK), PortalState.OK),
        (Parts(OK, OK, PartState.LATE, PartState.LATE), PortalState.OK),
        (Parts(OK, GONE, OK, OK), PortalState.DEGRADED),
        (Parts(OK, OK, SILENT, OK), PortalState.DEGRADED),
        (Parts(OK, OK, OK, PartState.NOT_SEEN), PortalState.DEGRADED),
        (Parts(GONE, OK, PartState.UNKNOWN, PartState.UNKNOWN), PortalState.DOWN),
        (Parts(PartState.NOT_ISOLATED, OK, OK, OK), PortalState.DOWN),
    ],
)
def test_the_portal_is_as_well_as_its_worst_part(parts, state):
    assert parts.state is state
    assert (parts.explain() == "") is (state is PortalState.OK)


def test_explain_names_each_part_that_is_not_well():
    assert Parts(OK, GONE, SILENT, OK).explain() == "Not well: broker: no answer; beat: silent."
