"""What a diagnosis must not write down: secrets in values, objects and text are hidden, whatever their type."""

import re
from typing import Any

SECRET = re.compile(r"password|passwd|passphrase|_pass$|token|secret|credential|api_?key|private_?key|access_?key", re.IGNORECASE)
NO_SECRET = re.compile(r"name$|names$|file$|files$|ref$|token_?auth", re.IGNORECASE)
HIDDEN = "***"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # the whole object once more, as one string
TEXT_OF_A_SECRET = re.compile(r"""^[\s{-]*["']?kind["']?\s*:\s*["']?Secret\b|["']kind["']\s*:\s*["']Secret["']""", re.MULTILINE)
# Each with what may stay before the secret as its group.
IN_TEXT = (
    re.compile(r"(://)[^\s/\"'<>]+(?=@)"),
    re.compile(r"([?&;](?:[\w-]*signature|[\w-]*credential|[\w-]*token|sig|code|key)=)[^\s&\"'<>]+", re.IGNORECASE),
    re.compile(r"([\w.-]*(?:password|passwd|passphrase|_pass|token|secret|api_?key|private_?key|access_?key)[\"']?\s?=\s?[\"']?)"
               r"[^\s&\"',;]+", re.IGNORECASE),
    re.compile(r"(\b(?:Bearer|Basic) )[\w.~+/=-]{6,}"),
)


def scrubbed(text: str) -> str:
    """Text without users and passwords of URLs, signatures and tokens among their parameters, and what is set as a secret."""
    for pattern in IN_TEXT:
        text = pattern.sub(lambda found: found[1] + HIDDEN, text)
    return text


def without_secrets(value: Any, *, hide: bool = False) -> Any:
    """The same without what is secret by its name, a Secret's content, and what `scrubbed` finds in strings.

    `hide`: it stands below a name that is secret; only names of other things, and yes and no, are shown of it.
    """
    if isinstance(value, list):
        return [without_secrets(item, hide=hide) for item in value]
    if isinstance(value, dict):
        return _of_fields(value, hide=hide)
    if value is None or isinstance(value, bool) or value == "":
        return value
    if hide or (isinstance(value, str) and TEXT_OF_A_SECRET.search(value)):
        return HIDDEN
    return scrubbed(value) if isinstance(value, str) else value


def _of_fields(value: dict[Any, Any], *, hide: bool) -> dict[Any, Any]:
    content = ("data", "stringData") if value.get("kind") == "Secret" else ()
    shown = {}
    for key, item in value.items():
        if key == LAST_APPLIED:
            continue
        if key in content:
            shown[key] = dict.fromkeys(item, HIDDEN) if isinstance(item, dict) else HIDDEN
            continue
        named = bool(NO_SECRET.search(str(key))) and isinstance(item, str)
        shown[key] = without_secrets(item, hide=(hide and not named) or _secret(str(key)))
    if "value" in value and _secret(str(value.get("name", ""))):
        shown["value"] = HIDDEN
    return shown


def _secret(key: str) -> bool:
    return bool(SECRET.search(key)) and not NO_SECRET.search(key)
