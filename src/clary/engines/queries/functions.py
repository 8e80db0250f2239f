"""What Trino has and DuckDB lacks or means otherwise, as macros of a session, and how values read in results."""

from typing import Any, Final

from clary.engines.queries.kinds import WIDE, quoted

MACROS: Final = """
CREATE MACRO map_agg(k, v) AS map_from_entries(list((k, v)) FILTER (k IS NOT NULL));
CREATE MACRO every(x) AS bool_and(x);
CREATE MACRO array_union(a, b) AS list_distinct(list_concat(a, b));
CREATE MACRO array_except(a, b) AS list_distinct(list_filter(a, lambda x: NOT list_contains(b, x)));
CREATE MACRO arrays_overlap(a, b) AS list_has_any(a, b);
CREATE MACRO array_remove(a, e) AS list_filter(a, lambda x: x <> e);
CREATE MACRO array_average(a) AS list_avg(a);
CREATE MACRO zip(a, b) AS list_zip(a, b);
CREATE MACRO all_match(a, f) AS list_bool_and(f);
CREATE MACRO regexp_count(s, p) AS len(regexp_extract_all(s, p));
CREATE MACRO json_format(j) AS CAST(j AS VARCHAR);
CREATE MACRO json_size(j, p) AS coalesce(json_array_length(j, p), len(json_keys(j, p)));
CREATE MACRO is_json_scalar(j) AS json_type(j) NOT IN ('ARRAY', 'OBJECT');
CREATE MACRO json_array_contains(j, v) AS list_contains(CAST(json(j) AS VARCHAR[]), CAST(v AS VARCHAR));
CREATE MACRO url_extract_host(u) AS nullif(regexp_extract(u, '^[a-zA-Z][a-zA-Z0-9+.-]*://([^/?#:]*)', 1), '');
CREATE MACRO url_extract_protocol(u) AS nullif(regexp_extract(u, '^([a-zA-Z][a-zA-Z0-9+.-]*)://', 1), '');
CREATE MACRO url_extract_path(u) AS regexp_extract(u, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*([^?#]*)', 1);
CREATE MACRO url_extract_query(u) AS nullif(regexp_extract(u, '\\?([^#]*)', 1), '');
CREATE MACRO url_extract_fragment(u) AS nullif(regexp_extract(u, '#(.*)$', 1), '');
CREATE MACRO url_extract_parameter(u, n) AS nullif(regexp_extract(u, '[?&]' || n || '=([^&#]*)', 1), '');
CREATE MACRO url_encode_(u) AS url_encode(u);
CREATE MACRO to_iso8601(t) AS strftime(t, '%Y-%m-%dT%H:%M:%S.%gZ');
CREATE MACRO from_iso8601_date(s) AS CAST(s AS DATE);
CREATE MACRO from_iso8601_timestamp(s) AS CAST(s AS TIMESTAMPTZ);
CREATE MACRO at_timezone(t, z) AS timezone(z, t);
CREATE MACRO day_of_month(d) AS day(d);
CREATE MACRO day_of_year(d) AS dayofyear(d);
CREATE MACRO week_of_year(d) AS weekofyear(d);
CREATE MACRO year_of_week(d) AS isoyear(d);
CREATE MACRO truncate(x) AS trunc(x);
CREATE MACRO rand() AS random();
CREATE MACRO is_nan(x) AS isnan(x);
CREATE MACRO is_finite(x) AS isfinite(x);
CREATE MACRO is_infinite(x) AS isinf(x);
CREATE MACRO infinity() AS CAST('inf' AS DOUBLE);
CREATE MACRO nan() AS CAST('nan' AS DOUBLE);
CREATE MACRO e() AS exp(1.0::DOUBLE);
CREATE MACRO width_bucket(x, a, b, n) AS
    CASE WHEN x < a THEN 0 WHEN x >= b THEN n + 1 ELSE CAST(floor((x - a) * n / (b - a)::DOUBLE) AS BIGINT) + 1 END;
CREATE MACRO from_utf8(b) AS decode(b);
CREATE MACRO codepoint(s) AS unicode(s);
CREATE MACRO from_base64_(s) AS from_base64(s);
CREATE MACRO levenshtein_distance(a, b) AS levenshtein(a, b);
CREATE MACRO hamming_distance(a, b) AS hamming(a, b);
CREATE MACRO numeric_histogram_(n, x) AS histogram(x);
CREATE MACRO clary_java_(s) AS CASE
    WHEN contains(s, 'e') THEN
        split_part(s, 'e', 1) || CASE WHEN contains(split_part(s, 'e', 1), '.') THEN '' ELSE '.0' END
        || 'E' || CAST(CAST(split_part(s, 'e', 2) AS INTEGER) AS VARCHAR)
    WHEN s LIKE '0.%' THEN
        left(ltrim(split_part(s, '.', 2), '0'), 1) || '.'
        || coalesce(nullif(substr(ltrim(split_part(s, '.', 2), '0'), 2), ''), '0')
        || 'E-' || CAST(len(split_part(s, '.', 2)) - len(ltrim(split_part(s, '.', 2), '0')) + 1 AS VARCHAR)
    ELSE
        left(s, 1) || '.' || coalesce(nullif(rtrim(substr(replace(s, '.', ''), 2), '0'), ''), '0')
        || 'E' || CAST(len(split_part(s, '.', 1)) - 1 AS VARCHAR)
    END;
CREATE MACRO clary_double(x) AS CASE
    WHEN x IS NULL THEN NULL
    WHEN isnan(x) THEN 'NaN'
    WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END
    WHEN x = 0 OR (abs(x) >= 1e-3 AND abs(x) < 1e7) THEN CAST(x AS VARCHAR)
    ELSE CASE WHEN x < 0 THEN '-' ELSE '' END || clary_java_(CAST(abs(x) AS VARCHAR))
    END;
"""
"""Doubles read as Java writes them: 1.0E7, 1.0E-4, Infinity."""


def text(value: str, type_: Any, depth: int = 0) -> str:
    """The expression that makes of `value` what Athena writes into its results. NULL stays NULL."""
    kind = type_.id
    if kind in ("varchar", "json", "uuid", "date"):
        return value if kind == "varchar" else f"CAST({value} AS VARCHAR)"
    if kind in ("float", "double"):
        return f"clary_double({value})"
    if kind == "timestamp with time zone":
        return f"strftime({value}, '%Y-%m-%d %H:%M:%S.%g UTC')"
    if kind.startswith("timestamp"):
        return f"strftime({value}, '%Y-%m-%d %H:%M:%S.%g')"
    if kind == "time":
        return (
            f"left(CAST({value} AS VARCHAR) || CASE WHEN len(CAST({value} AS VARCHAR)) = 8 THEN '.000' ELSE '' END, 12)"
        )
    if kind == "blob":
        return f"rtrim(regexp_replace(lower(hex({value})), '(..)', '\\1 ', 'g'))"
    if kind in WIDE:
        return f"CAST(CAST({value} AS BIGINT) AS VARCHAR)"
    if kind in ("list", "array"):
        name, inner = f"e{depth}", dict(type_.children)["child"]
        each = f"coalesce({text(name, inner, depth + 1)}, 'null')"
        return f"'[' || array_to_string(list_transform({value}, lambda {name}: {each}), ', ') || ']'"
    if kind == "map":
        name, of = f"e{depth}", dict(type_.children)
        key = text(f"{name}.key", of["key"], depth + 1)
        each = f"{key} || '=' || coalesce({text(f'{name}.value', of['value'], depth + 1)}, 'null')"
        return f"'{{' || array_to_string(list_transform(map_entries({value}), lambda {name}: {each}), ', ') || '}}'"
    if kind == "struct":
        fields = [
            f"'{'' if at == 0 else ', '}{name.replace(chr(39), chr(39) * 2)}=' ||"
            f" coalesce({text(f'struct_extract({value}, {_key(name)})', one, depth + 1)}, 'null')"
            for at, (name, one) in enumerate(type_.children)
        ]
        return f"CASE WHEN {value} IS NOT NULL THEN '{{' || {' || '.join(fields)} || '}}' END"
    return f"CAST({value} AS VARCHAR)"


def _key(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def projection(columns: list[tuple[str, Any]]) -> str:
    """The select list that writes a result; its columns are c0, c1 ... because two may have the same name."""
    said = [f"{text(f'c{at}', type_)} AS {quoted(f'c{at}')}" for at, (_, type_) in enumerate(columns)]
    return ", ".join(said)
