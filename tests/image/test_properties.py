"""The properties that the chart knows are those that the image's TorchServe knows."""

import base64
import json
import struct
from collections.abc import Iterator

from ci.cluster.paths import CHART
from tests.image.container import inside

CLASS = "org/pytorch/serve/util/ConfigManager.class"
READ = f"""
import base64, pathlib, ts, zipfile
with zipfile.ZipFile(pathlib.Path(ts.__file__).parent / "frontend/model-server.jar") as jar:
    print(base64.b64encode(jar.read({CLASS!r})).decode())
"""
# Constants of that class that are no key of config.properties: names of loggers, defaults, a format.
OTHERS = ("DEFAULT_", "MODEL_METRICS_LOGGER", "MODEL_LOGGER", "MODEL_SERVER_", "METRIC_FORMAT_")
# Keys that its launcher in Python reads.
LAUNCHER = {"vmargs", "plugins_path"}


def constants(data: bytes) -> Iterator[tuple[str, str]]:
    """Names and texts of the String constants of a Java class file (the Java Virtual Machine Specification, chapter 4)."""
    at = 0

    def take(form: str) -> tuple:
        nonlocal at
        found = struct.unpack_from(f">{form}", data, at)
        at += struct.calcsize(f">{form}")
        return found

    pool, (_, _, _, count), index = {}, take("IHHH"), 1
    sizes = {7: 2, 8: 2, 16: 2, 19: 2, 20: 2, 15: 3, 3: 4, 4: 4, 9: 4, 10: 4, 11: 4, 12: 4, 17: 4, 18: 4, 5: 8, 6: 8}
    while index < count:
        (tag,) = take("B")
        if tag == 1:
            (length,) = take("H")
            pool[index] = data[at:at + length].decode(errors="replace")
            at += length
        elif tag == 8:
            pool[index] = take("H")
        else:
            at += sizes[tag]
        index += 2 if tag in (5, 6) else 1
    *_, interfaces = take("HHHH")
    at += 2 * interfaces
    for _ in range(take("H")[0]):
        _, name, _, attributes = take("HHHH")
        for _ in range(attributes):
            kind, length = take("HI")
            if pool[kind] == "ConstantValue" and isinstance(value := pool.get(struct.unpack_from(">H", data, at)[0]), tuple):
                yield pool[name], pool[value[0]]
            at += length


def test_the_chart_knows_exactly_the_properties_of_the_images_torchserve(runtime_image: str) -> None:
    java = dict(constants(base64.b64decode(inside(runtime_image, "python", "-c", READ))))
    assert java["TS_JOB_QUEUE_SIZE"] == "job_queue_size", "else the class was misread"
    theirs = {text for name, text in java.items() if not name.startswith(OTHERS)} | LAUNCHER
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]["properties"]
    (own,) = schema["patternProperties"]
    assert set(schema["properties"]) | set(own.strip("^()$").split("|")) == theirs
