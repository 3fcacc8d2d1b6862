"""What search tells its callers, by stable code."""

from tertulia_shared.problems import Conflict, DependencyUnavailable, ValidationFailed


class QueryTooLong(ValidationFailed):
    code, title = "query_too_long", "The query is too long"


class CursorInvalid(ValidationFailed):
    code, title = "cursor_invalid", "This cursor does not belong to this search"


class SearchUnavailable(DependencyUnavailable):
    code, title = "search_unavailable", "Search is not available right now"


class RebuildRunning(Conflict):
    code, title = "rebuild_running", "The index is being rebuilt already"
