"""Who belongs where, kept from a snapshot and from events; who may read what; which sessions ended."""

from tertulia_shared.membership.feed import MembershipFeed
from tertulia_shared.membership.projection import Projection
from tertulia_shared.membership.revocations import Revocations
from tertulia_shared.membership.settling import Settling
from tertulia_shared.membership.snapshot import SnapshotFailed, SnapshotLoader

__all__ = ["MembershipFeed", "Projection", "Revocations", "Settling", "SnapshotFailed", "SnapshotLoader"]
