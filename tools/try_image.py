"""Runs the Dockerfile's own instructions without a Docker engine, then what the image starts.

    python tools/try_image.py chat gateway        # as root, on Linux

Each stage gets clean folders for the few places that the Dockerfile writes to; a private mount namespace puts them
at /src, /app, /data and /tmp, and a bare Python at /usr/local, where the official images have theirs. What differs
from a real build: the rest of the file system is this machine's, so a missing system library is not noticed.

After that the image's processes run as its user, without a capability, on a read-only file system, against a
PostgreSQL and a NATS started for it, with the environment that docker-compose.yml gives them; the image's own health
check has to pass, and SIGTERM has to end them with code 0.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from image_processes import processes_of

ROOT = Path(__file__).resolve().parent.parent

PLACES = ("/src", "/app", "/data", "/tmp")
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
# A Python that was built elsewhere looks for its library there, where the image's user may not look.
SYSTEM = {"PATH": SYSTEM_PATH, "HOME": "/tmp", "LD_LIBRARY_PATH": "/usr/local/lib"}


@dataclass
class Stage:
    """What one `FROM … AS name` holds: its instructions, and where its folders lie."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    root: Path = Path()
    env: dict[str, str] = field(default_factory=dict[str, str])
    workdir: str = "/"
    meta: dict[str, str] = field(default_factory=dict[str, str])


def parse(text: str) -> dict[str, Stage]:
    """Stages by name; the last one, which has none, is called ''."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            current = stages[name] = Stage(base)
        elif current is not None:
            current.instructions.append((word, rest.strip()))
    return stages


class Builder:
    """Builds the last stage and those below it. Arguments are visible where a stage declares them."""

    def __init__(self, stages: dict[str, Stage], arguments: dict[str, str], work: Path, context: Path) -> None:
        self._stages = stages
        self._arguments = arguments
        self._work = work
        self._context = context
        self._built: dict[str, Stage] = {}

    def build(self, name: str = "") -> Stage:
        if name in self._built:
            return self._built[name]
        stage = self._stages[name]
        base = expand(stage.base, self._arguments)
        stage.root = self._work / (name or "image")
        if base in self._stages:
            below = self.build(base)
            shutil.copytree(below.root, stage.root, symlinks=True)
            stage.env, stage.workdir, stage.meta = dict(below.env), below.workdir, dict(below.meta)
        else:
            for place in PLACES:
                (stage.root / place[1:]).mkdir(parents=True)
            stage.meta["FROM"] = base
        for word, rest in stage.instructions:
            self._do(stage, word, rest)
        self._built[name] = stage
        return stage

    def _do(self, stage: Stage, word: str, rest: str) -> None:
        if word == "ARG":
            key, _, default = rest.partition("=")
            stage.env[key] = self._arguments.get(key, default.strip('"'))
        elif word == "ENV":
            for pair in shlex.split(rest):
                key, _, value = pair.partition("=")
                stage.env[key] = expand(value, {"PATH": SYSTEM_PATH, **stage.env})
        elif word == "WORKDIR":
            stage.workdir = rest
            inside(stage, rest).mkdir(parents=True, exist_ok=True)
        elif word == "COPY":
            self._copy(stage, rest)
        elif word == "RUN":
            print(f"  RUN {rest[:100]}", flush=True)
            enter(stage, ["sh", "-ec", rest])
        else:
            stage.meta[word] = rest

    def _copy(self, stage: Stage, rest: str) -> None:
        words = shlex.split(expand(rest, stage.env))
        flags = dict(word[2:].split("=") for word in words if word.startswith("--"))
        *sources, target = [word for word in words if not word.startswith("--")]
        to = inside(stage, target if target.startswith("/") else f"{stage.workdir}/{target}")
        for source in sources:
            came = inside(self.build(flags["from"]), source) if "from" in flags else self._context / source
            if came.is_dir():
                shutil.copytree(came, to, symlinks=True, dirs_exist_ok=True)
            else:
                folder = target.endswith("/")
                (to if folder else to.parent).mkdir(parents=True, exist_ok=True)
                shutil.copy2(came, to / came.name if folder else to)
        if "chown" in flags:
            user, group = flags["chown"].split(":")
            os.chown(to, int(user), int(group))


def expand(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: values.get(match[1], ""), text)


def inside(stage: Stage, path: str) -> Path:
    return stage.root / os.path.normpath(path).lstrip("/")


def enter(stage: Stage, command: list[str]) -> None:
    """Run to the end inside the stage; raises CalledProcessError."""
    subprocess.run(into(stage, command), env={**SYSTEM, **stage.env}, check=True)


def into(stage: Stage, command: list[str], *, hardened: bool = False) -> list[str]:
    """The command line that runs `command` with the stage's folders in place."""
    steps = ["mount --make-rprivate /"]
    bare_python = stage.meta["FROM"].startswith("python:")
    if bare_python:
        steps.append(f"mount --bind {shlex.quote(sys.base_prefix)} /usr/local")
    for place in PLACES:
        steps.append(f"mount --bind {shlex.quote(str(inside(stage, place)))} {place}")
    if hardened:
        steps += ["mount -o remount,ro,bind /", "mount -o remount,ro,bind /app", "mount -t tmpfs tmpfs /tmp"]
    steps += [f"cd {stage.workdir}", 'exec "$@"']
    inner = [*as_user(stage.meta["USER"]), *command] if hardened else command
    return ["unshare", "--mount", "sh", "-ec", "\n".join(steps), "sh", *inner]


def as_user(user: str) -> list[str]:
    uid, gid = user.split(":")
    return ["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]


def context_of(work: Path) -> Path:
    """What .dockerignore lets through, of the files that git knows."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    context = work / "context"
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and allowed(name, rules):
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, context / name)
    return context


def allowed(name: str, rules: list[str]) -> bool:
    """The last rule that matches the file or a folder above it decides."""
    verdict = True
    paths = [name, *(str(parent) for parent in Path(name).parents if str(parent) != ".")]
    for rule in rules:
        pattern = re.escape(rule.removeprefix("!")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(pattern, path) for path in paths):
            verdict = rule.startswith("!")
    return verdict


def size_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def try_package(package: str, extras: str, work: Path) -> None:
    print(f"{package}: building", flush=True)
    began = time.monotonic()
    stages = parse((ROOT / "Dockerfile").read_text())
    image = Builder(stages, {"PACKAGE": package, "EXTRAS": extras}, work, context_of(work)).build()
    megabytes = size_of(inside(image, "/app")) / 1e6
    print(f"{package}: built in {time.monotonic() - began:.0f} s, {megabytes:.0f} MB in /app", flush=True)
    run_processes(package, extras, image, work)


def run_processes(package: str, extras: str, image: Stage, work: Path) -> None:
    check = json.loads(image.meta["HEALTHCHECK"].partition("CMD ")[2])
    entry: list[str] = json.loads(image.meta["ENTRYPOINT"])
    with processes_of(package, extras, work) as processes:
        for process in processes:
            env = {**SYSTEM, **image.env, **process.env}
            started = subprocess.Popen(into(image, [*entry, *process.command], hardened=True), env=env)
            if process.once:
                expect(process.name, started.wait(120) == 0, "failed")
                print(f"{process.name}: done", flush=True)
                continue
            expect(
                process.name,
                is_healthy(started, into(image, process.check or check, hardened=True), env),
                "is not healthy",
            )
            started.terminate()
            expect(process.name, started.wait(30) == 0, "did not end in order")
            print(f"{process.name}: healthy, and stopped in order", flush=True)


def expect(name: str, holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(f"{name}: {otherwise}")


def is_healthy(process: "subprocess.Popen[bytes]", check: list[str], env: dict[str, str]) -> bool:
    """Whether the image's own check passes within a minute."""
    deadline = time.monotonic() + 60
    while subprocess.run(check, env=env, stderr=subprocess.DEVNULL, check=False).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            return False
        time.sleep(0.2)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the Dockerfile's steps by hand.")
    parser.add_argument("package", nargs="+")
    parser.add_argument("--extras", default="")
    options = parser.parse_args()
    made = [place for place in map(Path, PLACES) if not place.exists()]
    for place in made:
        place.mkdir()
    try:
        try_all(options.package, options.extras)
    finally:
        for place in made:
            place.rmdir()


def try_all(packages: list[str], extras: str) -> None:
    for package in packages:
        with tempfile.TemporaryDirectory(prefix="tertulia-image-") as folder:
            try_package(package, extras, Path(folder))


if __name__ == "__main__":
    main()
