"""What clients are told when something is wrong here."""

from tertulia_shared.problems import DependencyUnavailable, Forbidden, ValidationFailed


class AnalyticsUnavailable(DependencyUnavailable):
    """ClickHouse is away. Events wait in the stream and are counted when it is back."""

    code, title = "analytics_unavailable", "Analytics are not available right now"


class GuestsSeeNoReports(Forbidden):
    code, title = "guests_see_no_reports", "Reports are for the members of the workspace"


class InvalidTime(ValidationFailed):
    code, title = "invalid_time", "Not a time"


class EmptyRange(ValidationFailed):
    code, title = "empty_range", "The range has no time in it"


class RangeTooLong(ValidationFailed):
    code, title = "range_too_long", "The range is too long"


class TooManyBuckets(ValidationFailed):
    code, title = "too_many_buckets", "The range has too many buckets"
