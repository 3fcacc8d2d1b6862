"""`python -m tertulia_notify`: live delivery, settings from the environment."""

from tertulia_notify.app import NAME, build
from tertulia_notify.settings import NotifySettings
from tertulia_shared.runtime import run_process
from tertulia_shared.settings import load
from tertulia_shared.telemetry import configure

if __name__ == "__main__":
    settings = load(NotifySettings)
    configure(NAME, settings)
    run_process(settings, build)
