"""Lines of text by a grok pattern: %{PATTERN:column:type} are its columns."""

from typing import Any, Final

import regex

from clary.engines.schemas.heads import Head

PATTERNS: Final = {
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": r".*?",
    "GREEDYDATA": r".*",
    "INT": r"[+-]?\d+",
    "NONNEGINT": r"\b\d+\b",
    "POSINT": r"\b[1-9]\d*\b",
    "BASE10NUM": r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)",
    "NUMBER": r"%{BASE10NUM}",
    "BASE16NUM": r"(?:0[xX])?[0-9a-fA-F]+",
    "BOOLEAN": r"(?i:true|false)",
    "USERNAME": r"[a-zA-Z0-9._-]+",
    "USER": r"%{USERNAME}",
    "EMAILADDRESS": r"[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~.]+@%{HOSTNAME}",
    "UUID": r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "QUOTEDSTRING": r"(?:\"(?:\\.|[^\\\"])*\"|'(?:\\.|[^\\'])*')",
    "QS": r"%{QUOTEDSTRING}",
    "IPV4": r"(?<!\d)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\d)",
    "IPV6": r"(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}",
    "IP": r"(?:%{IPV6}|%{IPV4})",
    "HOSTNAME": r"\b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?",
    "HOST": r"%{HOSTNAME}",
    "IPORHOST": r"(?:%{IP}|%{HOSTNAME})",
    "HOSTPORT": r"%{IPORHOST}:%{POSINT}",
    "PATH": r"(?:/[^\s?*]*)+",
    "UNIXPATH": r"%{PATH}",
    "URIPROTO": r"[A-Za-z][A-Za-z0-9+.\-]*",
    "URIPATH": r"(?:/[^\s?#]*)+",
    "URIPARAM": r"\?\S*",
    "URIPATHPARAM": r"%{URIPATH}(?:%{URIPARAM})?",
    "URI": r"%{URIPROTO}://\S+",
    "MONTH": r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b",
    "MONTHNUM": r"(?:0?[1-9]|1[0-2])",
    "MONTHDAY": r"(?:0[1-9]|[12]\d|3[01]|[1-9])",
    "DAY": r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\b",
    "YEAR": r"(?:\d\d){1,2}",
    "HOUR": r"(?:2[0-3]|[01]?\d)",
    "MINUTE": r"[0-5]\d",
    "SECOND": r"(?:[0-5]?\d|60)(?:[:.,]\d+)?",
    "TIME": r"%{HOUR}:%{MINUTE}(?::%{SECOND})?",
    "ISO8601_TIMEZONE": r"(?:Z|[+-]%{HOUR}:?%{MINUTE})",
    "TIMESTAMP_ISO8601": r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?",
    "DATE_US": r"%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}",
    "DATE_EU": r"%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}",
    "DATE": r"(?:%{DATE_US}|%{DATE_EU})",
    "TZ": r"[A-Z]{3,4}",
    "SYSLOGTIMESTAMP": r"%{MONTH} +%{MONTHDAY} %{TIME}",
    "PROG": r"[\x21-\x5a\x5c\x5e-\x7e]+",
    "HTTPDATE": r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}",
    "LOGLEVEL": (
        r"(?i:trace|debug|notice|info(?:rmation)?|warn(?:ing)?|err(?:or)?|crit(?:ical)?|fatal|severe|emerg|alert)"
    ),
    "COMMONAPACHELOG": (
        r"%{IPORHOST:clientip} %{USER:ident} %{NOTSPACE:auth} \[%{HTTPDATE:timestamp}\] "
        r"\"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})\" "
        r"%{NUMBER:response} (?:%{NUMBER:bytes}|-)"
    ),
    "COMBINEDAPACHELOG": r"%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}",
}
SAME: Final = 0.9
"""So many of the lines, at least, must fit."""
_LINES: Final = 1000
_SECONDS: Final = 5.0
_TYPES: Final = {
    **{"byte": "tinyint", "short": "smallint", "int": "int", "integer": "int", "long": "bigint", "float": "float"},
    **{"double": "double", "boolean": "boolean", "date": "string", "string": "string"},
}
_NAMED: Final = regex.compile(r"%\{(\w+)(?::([\w.\-\[\]]+))?(?::(\w+))?\}")
Found = tuple[dict[str, Any], int]


def found(text: str, head: Head, said: dict[str, Any]) -> Found | None:
    """None: the lines do not fit the classifier's pattern."""
    lines = [line for line in text.splitlines() if line.strip()]
    pattern, columns = compiled(said["GrokPattern"], said.get("CustomPatterns", ""))
    tried = lines[:_LINES]
    try:
        fits = sum(pattern.match(line, timeout=_SECONDS) is not None for line in tried)
    except TimeoutError:
        return None
    if not tried or fits < SAME * len(tried):
        return None
    schema = {
        "classification": said["Classification"],
        "compression": head.compression,
        "columns": columns,
        "details": {"grok": said["GrokPattern"], "patterns": said.get("CustomPatterns", "")},
    }
    return schema, round(len(lines) * head.scale)


def compiled(text: str, custom: str) -> tuple["regex.Pattern[str]", list[list[Any]]]:
    """The pattern as a regular expression, and its columns. `custom` are lines of a name and what it stands for. Raises
    ValueError in words."""
    patterns = dict(PATTERNS)
    for line in custom.splitlines():
        name, _, meaning = line.strip().partition(" ")
        if meaning:
            patterns[name] = meaning.strip()
    columns: list[list[Any]] = []

    def spelled(one: str, depth: int) -> str:
        if depth > 10:
            raise ValueError(f"the grok pattern {text!r} contains itself")

        def put(match: Any) -> str:
            name, column, type_ = match.groups()
            if name not in patterns:
                raise ValueError(f"the grok pattern {name} is not known: say it in CustomPatterns")
            if column is not None and column.lower() not in (known for known, _ in columns):
                columns.append([column.lower(), _TYPES.get((type_ or "string").lower(), "string")])
            return f"(?:{spelled(patterns[name], depth + 1)})"

        return str(_NAMED.sub(put, one))

    try:
        made = regex.compile(spelled(text, 0))
    except regex.error as error:
        raise ValueError(f"the grok pattern {text!r} is no regular expression: {error}") from None
    if not columns:
        raise ValueError(f"the grok pattern {text!r} names no column: write %{{PATTERN:column}}")
    return made, columns
