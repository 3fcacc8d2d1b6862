"""PostgreSQL and NATS as the wheels bring them."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest

from tertulia_stack.background import eventually, living
from tertulia_stack.servers import NatsServer, PostgresServer, ServerFailed
from tertulia_stack.servers.account import lent_account
from tertulia_stack.servers.process import bound_to_this_process, family


def test_postgres_keeps_its_data_and_its_port_over_kill_and_start(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "with a space") as server:
        server.create_database("kept")
        server.execute("CREATE TABLE note AS SELECT 'here' AS text", "kept")
        url = server.url("kept")

        server.kill()
        server.start()

        assert server.url("kept") == url
        assert server.execute("SELECT text FROM note", "kept") == "here"
        with pytest.raises(ServerFailed, match="already exists"):
            server.create_database("kept")
        server.ensure_database("kept")


def test_a_lent_account_finds_programs_below_a_folder_that_only_root_may_enter(tmp_path: Path) -> None:
    """As initdb looks for them, with access(2): in a checkout in root's home."""
    account = lent_account(tmp_path / "cluster")
    program = tmp_path / "shut" / "program"
    program.parent.mkdir(mode=0o700)
    program.touch(mode=0o755)
    look = [sys.executable, "-c", "import os, sys; sys.exit(not os.access(sys.argv[1], os.X_OK))", program]

    line = bound_to_this_process(look, account=account, search=account is not None)

    assert subprocess.run(line, check=False).returncode == 0


async def test_postgres_wants_the_password(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "postgres") as server:
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("SELECT uuid_extract_version(uuidv7())") == 7
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://postgres:guess@127.0.0.1:{server.port}/postgres")


def test_postgres_never_runs_as_root_even_below_a_folder_that_only_root_may_enter(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with PostgresServer(closed / "postgres", fsync=False) as server:
        assert server.pid is not None
        uids = {uid for process in family(server.pid) for uid in process.uids()}
        owner = server.cluster.stat().st_uid
        assert server.execute("SELECT 1") == "1"

    assert uids == {owner}
    assert owner != 0
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert stat.S_IMODE((closed / "postgres" / "password").stat().st_mode) == 0o600


def test_a_lock_file_whose_number_is_another_programs_does_not_stop_postgres(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "postgres", fsync=False) as server:
        server.kill()
        lock = server.cluster / "postmaster.pid"
        owner = lock.stat()
        lock.write_text(lock.read_text().replace(lock.read_text().split("\n")[0], str(os.getpid()), 1))
        os.chown(lock, owner.st_uid, owner.st_gid)

        server.start()

        assert server.execute("SELECT 1") == "1"


def test_an_interrupted_first_start_leaves_no_half_cluster(tmp_path: Path) -> None:
    half = tmp_path / "postgres" / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")

    with PostgresServer(tmp_path / "postgres", fsync=False) as server:
        assert server.execute("SELECT 1") == "1"


async def test_nats_keeps_its_streams_and_its_port_over_kill_and_start(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "with a space") as server:
        await _publish(server.url, b"here")

        server.kill()
        server.start()

        client = await nats.connect(server.url)
        kept = await client.jetstream().get_msg("KEPT", 1)
        await client.close()
        assert kept.data == b"here"
        assert client.max_payload == 1024 * 1024


async def _publish(url: str, data: bytes) -> None:
    client = await nats.connect(url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.jetstream().publish("kept", data)
    await client.close()


def test_nats_wants_the_token(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as server:
        stranger = NatsServer(tmp_path / "stranger", port=server.port, token="guess")

        assert server.answers()
        assert not stranger.answers()
        assert stat.S_IMODE((server.data_dir / "nats.conf").stat().st_mode) == 0o600


def test_a_port_that_is_taken_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "first") as first, pytest.raises(ServerFailed, match="address already in use"):
        NatsServer(tmp_path / "second", port=first.port).start()


def test_both_servers_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from tertulia_stack.servers import *; here = Path(sys.argv[1]);"
        "a = PostgresServer(here / 'p', fsync=False); a.start(); b = NatsServer(here / 'n'); b.start();"
        "print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        pids = {process.pid for process in psutil.Process(parent.pid).children(recursive=True)}
        parent.send_signal(signal.SIGKILL)

    assert len(pids) > 4
    eventually(lambda: not living(pids), 10)
