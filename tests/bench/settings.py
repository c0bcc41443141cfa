"""The single settings that are measured, each against the chart's defaults."""

from collections.abc import Mapping
from typing import Any


def java(options: str) -> Mapping[str, Any]:
    """Values with options of Java, which it takes before the chart's: they come after them."""
    return {"properties": {"vmargs": options}}


# What is otherwise, as the page has it -> values. The first is nothing: so much do two equal servers differ.
SETTINGS: dict[str, Mapping[str, Any]] = {
    "nothing, the same settings twice": {},
    "`runtime.flavor: wrapper`": {"runtime": {"flavor": "wrapper"}},
    "`runtime.requestLogs: true`": {"runtime": {"requestLogs": True}},
    "`-XX:TieredStopAtLevel=4`, Java's own": java("-XX:TieredStopAtLevel=4"),
    "`-XX:+UseG1GC`": java("-XX:+UseG1GC"),
    "`-Djava.util.concurrent.ForkJoinPool.common.parallelism=1`, Java's own for 2 CPUs":
        java("-Djava.util.concurrent.ForkJoinPool.common.parallelism=1"),
    "`-XX:Tier3BackEdgeThreshold=60000 -XX:Tier0BackedgeNotifyFreqLog=10`, Java's own":
        java("-XX:Tier3BackEdgeThreshold=60000 -XX:Tier0BackedgeNotifyFreqLog=10"),
    "`-Dio.netty.allocator.maxOrder=11`, Netty's own": java("-Dio.netty.allocator.maxOrder=11"),
    "`number_of_netty_threads: 1` and `netty_client_threads: 1`":
        {"properties": {"number_of_netty_threads": 1, "netty_client_threads": 1}},
    "`prefer_direct_buffer: true`": {"properties": {"prefer_direct_buffer": True}},
    "`-XX:+UseTransparentHugePages`": java("-XX:+UseTransparentHugePages"),
    "`-XX:C1MaxInlineSize=70 -XX:C1MaxInlineLevel=15`": java("-XX:C1MaxInlineSize=70 -XX:C1MaxInlineLevel=15"),
    "`-Dio.netty.leakDetection.level=disabled`": java("-Dio.netty.leakDetection.level=disabled"),
}
