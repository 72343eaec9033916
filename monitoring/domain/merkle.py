"""The Merkle tree hash of RFC 6962, section 2.1, over rows.

Leaves and nodes are hashed with different first bytes, so that no node can pass for a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 of 0x00 and the entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in their order; SHA-256 of nothing for none."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        # Pairs from the left, the odd one carried up: the same tree as splitting at the largest power of two.
        level = [
            hashlib.sha256(b"\x01" + level[place] + level[place + 1]).digest()
            if place + 1 < len(level)
            else level[place]
            for place in range(0, len(level), 2)
        ]
    return level[0]
