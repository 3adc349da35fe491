"""Starts the stub as the bridge is started: python -m lighthouse.bridge.run_bridge"""

import logging
import os

import uvicorn


def main() -> None:
    logging.basicConfig(
        level=os.environ.get("LIGHTHOUSE_LOG_LEVEL", "INFO"),
        format="[%(levelname)s] %(asctime)s - %(name)s - %(message)s",
    )
    logging.getLogger(__name__).warning("This is a stub of the bridge's contract, not the bridge: it approves nothing.")
    # Imported late: what OpenTelemetry changes in FastAPI must be changed before the application is made.
    from .http_server import app

    # A start that fails, such as for a data path that is refused, ends with 3; SIGTERM ends it in order.
    uvicorn.run(
        app,
        host=os.environ.get("LIGHTHOUSE_HOST", "0.0.0.0"),
        port=int(os.environ.get("LIGHTHOUSE_PORT", "8765")),
        log_level="info",
    )


if __name__ == "__main__":
    main()
