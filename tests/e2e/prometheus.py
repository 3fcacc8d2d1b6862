"""Debian's Prometheus, scraping the running stack with the configuration that we ship."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tertulia_stack.ports import LOOPBACK, free_port

SHIPPED = Path(__file__).parents[2] / "deploy" / "prometheus"
SCRAPE_S = 1


class Prometheus:
    """One server on a free port. `addresses` tells where each job of the shipped configuration listens here."""

    def __init__(self, folder: Path, addresses: dict[str, str]) -> None:
        self._port = free_port()
        self._folder = folder
        self._configuration = folder / "prometheus.yml"
        self._configuration.write_text(yaml.safe_dump(self._here(addresses)))
        self._process: subprocess.Popen[bytes] | None = None

    def _here(self, addresses: dict[str, str]) -> dict[str, Any]:
        """The shipped file, faster and with this machine's addresses; jobs without one are not running here."""
        configuration = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
        configuration["global"] = {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"}
        configuration["rule_files"] = [str(SHIPPED / "rules" / "*.yml")]
        known = {**addresses, "prometheus": f"{LOOPBACK}:{self._port}"}
        jobs = [job for job in configuration["scrape_configs"] if job["job_name"] in known]
        for job in jobs:
            job["static_configs"] = [{"targets": [known[job["job_name"]]]}]
        configuration["scrape_configs"] = jobs
        return configuration

    def __enter__(self) -> Self:
        command = ["prometheus", f"--config.file={self._configuration}", f"--storage.tsdb.path={self._folder / 'data'}"]
        command += [f"--web.listen-address={LOOPBACK}:{self._port}", "--log.level=warn"]
        with (self._folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        self.until(self._is_ready)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def until(self, holds: Callable[[], bool], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not holds():
            assert time.monotonic() < deadline, (self._folder / "log.txt").read_text()
            time.sleep(0.2)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector. Raises HTTPError for what does not parse."""
        return self._ask("query", query=expression)["result"]

    def series(self, selector: str) -> list[dict[str, str]]:
        """Label sets that were seen, whatever they are worth."""
        return self._ask("series", **{"match[]": selector})

    def metadata(self) -> dict[str, Any]:
        """Every metric that some target announces, also one without a series yet."""
        return self._ask("metadata")

    def targets(self) -> dict[str, str]:
        """Health by job."""
        return {each["labels"]["job"]: each["health"] for each in self._ask("targets")["activeTargets"]}

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _is_ready(self) -> bool:
        try:
            with urlopen(f"http://{LOOPBACK}:{self._port}/-/ready", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _ask(self, what: str, **parameters: str) -> Any:
        address = f"http://{LOOPBACK}:{self._port}/api/v1/{what}?{urlencode(parameters)}"
        with urlopen(address, timeout=20) as answer:
            return json.load(answer)["data"]
