"""Starts the wrapper: `python /home/model-server/kserve_wrapper/__main__.py`, as in pytorch/torchserve-kfs.

Environment: CONFIG_PATH (TorchServe's config.properties), PROTOCOL_VERSION (v1, v2 or grpc-v2), MODEL_LOAD_MAX_TRY and
MODEL_LOAD_DELAY (s; their product is how long TorchServe may take to load its models), MODEL_LOAD_TIMEOUT (s, one question).
Exits with 1 and one sentence where it can't start, with 0 after SIGTERM.
"""

import logging
import os
import sys
import types
from pathlib import Path

PACKAGES = Path("/opt/kserve-wrapper")  # the SDK and what it needs; nothing else in the image sees it


def isolate() -> None:
    """Lets this program see its own packages, and neither Debian's nor TorchServe's, which are other versions of some."""
    here = Path(__file__).resolve().parent
    foreign = ("dist-packages", "site-packages", here.name)
    sys.path[:] = [str(PACKAGES), str(here.parent), *(path for path in sys.path if not path.endswith(foreign))]
    # Of the SDK only its serving half: the package's own __init__ would load its client of the Kubernetes API as well.
    package = types.ModuleType("kserve")
    package.__path__ = [str(PACKAGES / "kserve")]
    sys.modules["kserve"] = package
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its library has a log of its own, for what we tell in a sentence


def main() -> int:
    """Exit status of the program."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    from kserve_wrapper import settings

    try:
        told = settings.read(os.environ)
        from kserve_wrapper.server import run  # takes a second: a mistake in the settings is told before

        run(told)
    except settings.CannotStart as error:
        logging.getLogger("kserve_wrapper").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    isolate()
    sys.exit(main())
