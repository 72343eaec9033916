"""The canonical JSON under every hash, against vectors that nobody here wrote."""

import hashlib
import json

import pytest
import rfc8785

from tests.monitoring.domain.material import vector_rows


@pytest.mark.parametrize("row", vector_rows("jcs_rfc8785_vectors.json"))
def test_canonical_json_is_that_of_rfc_8785(row):
    canonical = rfc8785.dumps(json.loads(row["input_text"]))

    assert canonical.hex() == row["canonical_hex"]
    assert hashlib.sha256(canonical).hexdigest() == row["sha256"]
