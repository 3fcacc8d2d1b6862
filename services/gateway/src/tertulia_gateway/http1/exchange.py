"""One request on its way to a service and its response on the way back.

`start` runs synchronously through the rules (route, token, limits) to the service when the token is known and a
connection is idle, which is nearly always; otherwise a task does the waiting and comes back here.
"""

from tertulia_gateway.headers import HSTS, SECURITY_DATA, Headers, Origin
from tertulia_gateway.http1.buffers import bound_receiving
from tertulia_gateway.http1.failures import PartNotRunning, UpstreamFailed, UpstreamTimeout, too_large
from tertulia_gateway.http1.heads import chunk_of, request_head, response_lines, status_line
from tertulia_gateway.http1.message import Request, RequestTimeout
from tertulia_gateway.http1.rules import Front, LocalResponse, Rules
from tertulia_gateway.http1.upstream import UpstreamConnection, UpstreamPool
from tertulia_gateway.limits import Bucket, owner_of_address
from tertulia_gateway.metrics import OPEN_EXCHANGES, UPSTREAM_ERRORS
from tertulia_gateway.observe import Observation
from tertulia_gateway.routes import Auth, Route, Upstream
from tertulia_gateway.targets import split_target
from tertulia_shared.problems import CONTENT_TYPE, Problem, Unauthenticated, problem_body, problem_headers
from tertulia_shared.runtime import spawn
from tertulia_shared.telemetry import logger
from tertulia_shared.tokens import Claims

log = logger(__name__)

LAST_CHUNK = b"0\r\n\r\n"
MAX_PENDING = 64 * 1024
MAX_DISCARD = 64 * 1024
"""A rest of a body this small is read and thrown away, so that the connection can go on after an early answer."""
LOCAL_TIME_S = 10.0
DISCARD_TIME_S = 5.0
RETRIED = frozenset({"GET", "HEAD"})


class Exchange:
    """`_upstream` is set from the moment a connection carries the request until its response is complete."""

    __slots__ = (
        "_answers_itself",
        "_body_bytes",
        "_bucket",
        "_chunked_out",
        "_close",
        "_discarding",
        "_ended",
        "_front",
        "_head_written",
        "_observation",
        "_origin",
        "_overdue",
        "_path",
        "_pending",
        "_request",
        "_request_complete",
        "_retried",
        "_route",
        "_rules",
        "_target",
        "_upstream",
        "method",
    )

    def __init__(self, front: Front, request: Request, rules: Rules) -> None:
        self.method = request.method
        self._front = front
        self._request = request
        self._rules = rules
        self._observation = Observation(request)
        self._route: Route | None = None
        self._path = ""
        self._target = b""
        self._origin = Origin(front.peer, b"http")
        self._bucket: Bucket | None = None
        self._upstream: UpstreamConnection | None = None
        self._pending: list[bytes] = []
        self._body_bytes = 0
        self._request_complete = False
        self._head_written = False
        self._chunked_out = False
        self._close = False
        self._discarding = False
        self._overdue = False
        self._ended = False
        self._retried = False
        self._answers_itself = False
        OPEN_EXCHANGES.inc()

    @property
    def streaming(self) -> bool:
        return self._route is not None and self._route.streaming

    # the rules

    def start(self) -> None:
        if self._ended:
            return
        try:
            self._admit()
        except Problem as problem:
            self.refuse(problem)

    def _admit(self) -> None:
        request, rules = self._request, self._rules
        self._path, self._target = split_target(request.target)
        route = self._route = rules.router.match(request.method, self._path)
        self._front.set_deadline(route.time_limit if self._request_complete else route.body_time)
        if max(request.content_length, self._body_bytes) > route.body_limit:
            raise too_large(route)
        self._origin = rules.proxies.origin(self._front.peer, request.headers)
        if rules.per_address is not None:
            self._bucket = rules.per_address.take(owner_of_address(self._origin.address), route.rate)
        if route.auth is Auth.PUBLIC:
            self._admitted(route, None)
            return
        if not request.authorization:
            raise Unauthenticated
        claims = rules.authenticator.known(request.authorization)
        if claims is None:
            spawn(self._verify(route), name="verify a token")
        else:
            self._admitted(route, claims)

    async def _verify(self, route: Route) -> None:
        try:
            claims = await self._rules.authenticator.verify(self._request.authorization)
            if not self._ended:
                self._admitted(route, claims)
        except Problem as problem:
            self.refuse(problem)
        except Exception as error:
            self.refuse(Problem())
            raise error from None

    def _admitted(self, route: Route, claims: Claims | None) -> None:
        if claims is not None and self._rules.per_user is not None:
            self._bucket = self._rules.per_user.take(claims.user_id, route.rate)
        if self._request.expects_continue and not self._request_complete and not self._body_bytes:
            self._front.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if route.upstream is Upstream.SELF:
            self._answers_itself = True
            if self._request_complete or self.method != "POST":
                spawn(self._answer(), name="answer a request")
            return
        pool = self._rules.pools.get(route.upstream)
        if pool is None:
            UPSTREAM_ERRORS.labels(route.upstream, "not_running").inc()
            raise PartNotRunning(route.upstream)
        connection = pool.idle()
        if connection is not None:
            self._forward(connection)
        else:
            spawn(self._open(pool), name="connect to a service")

    async def _open(self, pool: UpstreamPool) -> None:
        try:
            connection = await pool.connect()
            if self._ended:
                pool.release(connection)
            else:
                self._forward(connection)
        except Problem as problem:
            self.refuse(problem)
        except Exception as error:
            self.refuse(Problem())
            raise error from None

    async def _answer(self) -> None:
        try:
            response = await self._rules.answer(self._request, self._path, b"".join(self._pending))
        except Problem as problem:
            self.refuse(problem)
        except Exception as error:
            self.refuse(Problem())
            raise error from None
        else:
            self._respond(response)

    # the request, towards the service

    def _forward(self, connection: UpstreamConnection) -> None:
        self._upstream = connection
        connection.begin(self)
        if self.streaming:
            self._front.bound_buffer()
            bound_receiving(connection.transport)
        seen = self._observation
        head = request_head(self._request, self._target, self._origin, seen.request_id, seen.traceparent)
        if self._pending:
            head += b"".join(self._framed(chunk) for chunk in self._pending)
            self._pending.clear()
            self._front.resume_body()
        if self._request_complete and self._request.chunked:
            head += LAST_CHUNK
        connection.write(head)
        if self._request_complete:
            self._request_sent(connection)

    def _request_sent(self, connection: UpstreamConnection) -> None:
        connection.request_sent()
        if self._route is not None:
            self._front.set_deadline(self._route.time_limit or LOCAL_TIME_S)

    def on_request_body(self, chunk: bytes) -> None:
        if self._ended:
            return
        self._body_bytes += len(chunk)
        route = self._route
        if route is not None and self._body_bytes > route.body_limit:
            self.refuse(too_large(route))
            return
        if self._upstream is not None:
            self._upstream.write(self._framed(chunk))
            return
        self._pending.append(chunk)
        if self._body_bytes > MAX_PENDING:
            self._front.pause_body()

    def on_request_end(self) -> None:
        self._request_complete = True
        if self._ended:
            if self._discarding:
                self._front.finished(self, close=self._close)
            return
        upstream = self._upstream
        if upstream is not None:
            if self._request.chunked:
                upstream.write(LAST_CHUNK)
            self._request_sent(upstream)
        elif self._answers_itself and self.method == "POST":
            spawn(self._answer(), name="answer a request")

    def _framed(self, chunk: bytes) -> bytes:
        return chunk_of(chunk) if self._request.chunked else chunk

    def pause_request(self) -> None:
        self._front.pause_body()

    def resume_request(self) -> None:
        self._front.resume_body()

    # the response, towards the client

    def on_response_head(self, status: int, headers: Headers) -> None:
        lines, length = response_lines(headers)
        self._write_head(status, b"".join(lines), length)

    def on_response_body(self, chunk: bytes) -> None:
        self._front.write(chunk_of(chunk) if self._chunked_out else chunk)
        if self._route is not None and self._route.time_limit is not None:
            self._front.set_deadline(self._route.time_limit)

    def on_response_end(self) -> None:
        self._upstream = None
        if self._chunked_out:
            self._front.write(LAST_CHUNK)
        self._finish()

    def on_upstream_lost(self, *, answered: bool, reused: bool) -> None:
        self._upstream = None
        if self._head_written:
            self._upstream_failed("broken_off")
            self._cut()
            return
        safe = self.method in RETRIED and not self._request.has_body
        if reused and not answered and safe and not self._retried and self._route is not None:
            self._retried = True
            spawn(self._open(self._rules.pools[self._route.upstream]), name="connect to a service again")
            return
        self._upstream_failed("broken_off")
        self.refuse(UpstreamFailed(retry_after=1))

    def _upstream_failed(self, kind: str) -> None:
        if self._route is not None:
            UPSTREAM_ERRORS.labels(self._route.upstream, kind).inc()

    def pause_response(self) -> None:
        if self._upstream is not None:
            self._upstream.transport.pause_reading()

    def resume_response(self) -> None:
        if self._upstream is not None:
            self._upstream.transport.resume_reading()

    def _respond(self, response: LocalResponse) -> None:
        """Write an answer of our own."""
        if self._ended:
            return
        lines = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
        if response.status not in (204, 304):
            lines += f"Content-Type: {response.content_type}\r\n"
        length = str(len(response.body)).encode()
        self._write_head(response.status, lines.encode("latin-1"), length, response.security)
        if self.method != "HEAD" and response.body:
            self._front.write(response.body)
        self._finish()

    def _write_head(self, status: int, lines: bytes, length: bytes | None, security: bytes = SECURITY_DATA) -> None:
        """`length` None: the body ends by itself, so it goes out chunked, or until the end to an HTTP/1.0 client."""
        http10 = self._request.http10
        self._head_written = True
        self._close = http10 or self._front.will_close or not self._can_read_on()
        if status in (204, 304):
            framing = b""
        elif length is not None:
            framing = b"Content-Length: %b\r\n" % length
        elif http10 or self.method == "HEAD":
            framing = b""
        else:
            framing = b"Transfer-Encoding: chunked\r\n"
            self._chunked_out = True
        self._front.write(
            b"%b%b%b%b%b%b%bX-Request-Id: %b\r\n\r\n"
            % (
                status_line(status),
                lines,
                framing,
                security,
                HSTS if self._origin.proto == b"https" else b"",
                self._bucket.header_lines() if self._bucket is not None else b"",
                b"Connection: close\r\n" if self._close else b"",
                self._observation.request_id,
            )
        )
        self._observation.answered(self._route, status)
        if self._route is not None:
            self._front.set_deadline(self._route.time_limit)

    # ends

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem, unless a response is under way: then all that is left is to break it off."""
        if self._ended:
            if self._discarding:
                self._front.break_off()
            return
        if self._head_written:
            self._cut()
            return
        self._drop_upstream()
        headers = problem_headers(problem)
        if "RateLimit-Limit" in headers:
            self._bucket = None
        body = problem_body(problem, self._observation.request_id.decode())
        self._respond(LocalResponse(body, CONTENT_TYPE, problem.status, tuple(headers.items())))

    def abort(self) -> None:
        """The client is gone: so is its request."""
        self._drop_upstream()
        self._end()

    def on_deadline(self) -> None:
        self._overdue = True
        if not self._request_complete and not self._head_written:
            self.refuse(RequestTimeout())
        else:
            if self._upstream is not None:
                self._upstream_failed("timeout")
            self.refuse(UpstreamTimeout(retry_after=1))

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()

    def _cut(self) -> None:
        self._drop_upstream()
        self._end()
        if self._chunked_out:
            self._front.break_off()
        else:
            self._front.abort()

    def _finish(self) -> None:
        self._end()
        if self._close or self._request_complete:
            self._front.finished(self, close=self._close)
        else:
            self._discarding = True
            self._front.resume_body()
            self._front.set_deadline(DISCARD_TIME_S)

    def _can_read_on(self) -> bool:
        """Whether the rest of the request is so little that reading it costs less than a new connection."""
        request = self._request
        if self._request_complete or not request.has_body:
            return True
        rest = request.content_length - self._body_bytes
        return not (request.chunked or request.expects_continue or self._overdue) and rest <= MAX_DISCARD

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._pending.clear()
            self._observation.ended()
            OPEN_EXCHANGES.dec()
