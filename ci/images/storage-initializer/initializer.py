#!/usr/bin/python3
"""Fetches model files before the model server starts: arguments `SOURCE DESTINATION [SOURCE DESTINATION ...]`.

The work is kserve_storage's; this program has the arguments, the log line and the exit status of KServe's own image. Credentials
and endpoints come from the environment, where KServe's webhook puts them.
"""

import sys

from kserve_storage import Storage
from kserve_storage.logging import configure_logging, logger


def main(arguments: list[str]) -> int:
    """Downloads every pair; returns the exit status: 0, or 1 when a download or the arguments are wrong."""
    if not arguments or len(arguments) % 2:
        logger.error("Arguments are pairs of a source URI and a destination folder, and %d were given: %s",
                     len(arguments), arguments)
        return 1
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
    logger.info("Initializing, args: %s", ", ".join(f"{source} to {destination}" for source, destination in pairs))
    for source, destination in pairs:
        try:
            Storage.download(source, destination)
        except Exception as error:  # whatever a cloud's library raises: the pod's log has to say it
            logger.error("%s could not be fetched: %s", source, error)
            return 1
    return 0


if __name__ == "__main__":
    configure_logging()
    sys.exit(main(sys.argv[1:]))
