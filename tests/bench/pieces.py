"""How long the pieces of a start take, each alone, and their processor time: runs in a container of the image, prints JSON.

    pieces.py ARCHIVE

`java`: TorchServe without a model, until its management API listens. `torch`: an interpreter that imports torch and ends.
`load`: the archive unpacked and its handler initialized, in an interpreter that has torch already.
"""

import importlib.util
import json
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

LOAD = """
import importlib, json, sys, time, types, zipfile
import torch
began, used = time.monotonic(), time.process_time()
with zipfile.ZipFile(sys.argv[1]) as archive:
    archive.extractall("/tmp/unpacked")
sys.path.insert(0, "/tmp/unpacked")
manifest = json.load(open("/tmp/unpacked/MAR-INF/MANIFEST.json"))
module = importlib.import_module(manifest["model"]["handler"].removesuffix(".py"))
context = types.SimpleNamespace(system_properties={"model_dir": "/tmp/unpacked", "gpu_id": None}, manifest=manifest)
made = [one for one in vars(module).values() if isinstance(one, type) and hasattr(one, "initialize")]
made[0]().initialize(context) if made else module.handle(None, context)
print(time.monotonic() - began, time.process_time() - used)
"""


def java() -> float:
    jars = Path(importlib.util.find_spec("ts").origin).with_name("frontend") / "*"
    for folder in ("/tmp/store", "/tmp/logs"):
        Path(folder).mkdir(exist_ok=True)
    Path("/tmp/config.properties").write_text("disable_system_metrics=true\nmodel_store=/tmp/store\n")
    began = time.monotonic()
    server = subprocess.Popen(["java", f"-Dmodel_server_home={jars.parents[2]}", "-Djava.io.tmpdir=/tmp", "-cp", str(jars),
                               "org.pytorch.serve.ModelServer", "--python", sys.executable, "-f", "/tmp/config.properties",
                               "-s", "/tmp/store", "-ncs"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", 8081), timeout=1).close()
                return time.monotonic() - began
            except OSError:
                time.sleep(0.005)
        raise SystemExit(f"TorchServe ended with {server.returncode}")
    finally:
        server.kill()
        server.wait()


def torch() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.monotonic() - began


def load(archive: str) -> tuple[float, float]:
    """Its seconds and its processor time, without those of its own import of torch."""
    said = subprocess.run([sys.executable, "-c", LOAD, archive], check=True, capture_output=True, text=True).stdout
    seconds, cpu = map(float, said.split())
    return seconds, cpu


def used() -> float:
    """Seconds of processor time of the processes that this one has begun and that have ended."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def main() -> None:
    before = used()
    seconds = {"java": java(), "torch": torch()}
    cpu = used() - before
    seconds["load"], more = load(sys.argv[1])
    print(json.dumps({"seconds": seconds, "cpu": cpu + more}))


if __name__ == "__main__":
    main()
