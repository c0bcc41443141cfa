"""All checks, in the order in which they are made: functions of a Target that raise AssertionError with what is wrong."""

from collections.abc import Callable

from ..target import Target
from . import answers, limits, logs, management, objects, readiness, snapshot

CHECKS: dict[str, Callable[[Target], None]] = {
    f"{module.__name__.rpartition('.')[2]}.{name}": check
    for module in (objects, snapshot, readiness, logs, management, answers, limits)
    for name, check in vars(module).items()
    if getattr(check, "__module__", "") == module.__name__ and callable(check) and not name.startswith("_")
}
