from tertulia_gateway.app import build
from tertulia_gateway.settings import GatewaySettings
from tertulia_shared.runtime import run_process
from tertulia_shared.settings import load
from tertulia_shared.telemetry import configure

if __name__ == "__main__":
    settings = load(GatewaySettings)
    configure("gateway", settings)
    run_process(settings, build)
