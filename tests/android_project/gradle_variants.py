"""How Gradle 9 chooses among the variants of a library, by its attributes.

Only what a plain JVM project needs: the steps of `MultipleCandidateMatcher`, with the rules of the
plugin `jvm-ecosystem` (`JavaEcosystemSupport`) and those that every Maven repository brings
(`PreferJavaRuntimeVariant`), all of github.com/gradle/gradle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Attributes = Mapping[str, object]
# The values to keep, out of those that are there; None where there is nothing to choose by.
Choice = Callable[[object, set[object]], set[object] | None]

USAGE = "org.gradle.usage"
CATEGORY = "org.gradle.category"
BUNDLING = "org.gradle.dependency.bundling"
ENVIRONMENT = "org.gradle.jvm.environment"
JVM_VERSION = "org.gradle.jvm.version"
ELEMENTS = "org.gradle.libraryelements"

_PRECEDENCE = (CATEGORY, USAGE, JVM_VERSION, ELEMENTS, BUNDLING, ENVIRONMENT)


def _default(value: str) -> Choice:
    def choose(requested: object, there: set[object]) -> set[object] | None:
        wanted = value if requested is None else requested
        return {wanted} if wanted in there else None

    return choose


def _only_by_default(value: str) -> Choice:
    def choose(requested: object, there: set[object]) -> set[object] | None:
        return {value} if requested is None and value in there else None

    return choose


_REPOSITORY: dict[str, Choice] = {
    USAGE: _only_by_default("java-runtime"),
    ELEMENTS: _only_by_default("jar"),
}
_ECOSYSTEM: dict[str, Choice] = {
    USAGE: _default("java-runtime"),
    CATEGORY: _only_by_default("library"),
    BUNDLING: _default("external"),
    ENVIRONMENT: _default("standard-jvm"),
    ELEMENTS: _default("jar"),
    JVM_VERSION: lambda _, there: {max(there, key=int)},  # type: ignore[call-overload]
}
_COMPATIBLE: dict[str, Callable[[object, object], bool]] = {
    USAGE: lambda wanted, given: wanted == "java-api" and given == "java-runtime",
    BUNDLING: lambda wanted, given: (
        wanted == "external" or (wanted, given) == ("embedded", "shadowed")
    ),
    ENVIRONMENT: lambda _wanted, _given: True,
    JVM_VERSION: lambda wanted, given: int(str(given)) <= int(str(wanted)),
}


def chosen(
    variants: Mapping[str, Attributes], requested: Attributes, *, jvm_ecosystem: bool
) -> list[str]:
    """The names of the variants that are left; Gradle goes on with one alone."""
    compatible = [
        name for name, given in variants.items() if _matches(requested, given, jvm_ecosystem)
    ]
    if len(compatible) <= 1:
        return compatible
    fits = {name: {key for key in requested if key in variants[name]} for name in compatible}
    longest = max(compatible, key=lambda name: len(fits[name]))
    if all(fits[longest] > fits[name] for name in compatible if name != longest):
        return [longest]
    rules = {**_REPOSITORY, **(_ECOSYSTEM if jvm_ecosystem else {})}
    left = compatible
    for key in _ordered(requested):
        there = _values(variants, compatible, key)
        if len(there) > 1:
            kept = rules.get(key, lambda *_: None)(requested[key], there)
            left = _keep(variants, left, key, kept)
        if not left:
            return compatible
        if len(left) == 1 and key in _PRECEDENCE:
            return left
    extra = {key for name in left for key in variants[name]} - set(requested)
    for key in _ordered(extra):
        there = _values(variants, left, key)
        if there:
            left = _keep(variants, left, key, rules.get(key, lambda *_: None)(None, there))
        if len(left) <= 1:
            return left or compatible
    for key in extra if requested else ():
        with_it = [name for name in variants if key in variants[name]]
        if 0 < len(with_it) < len(variants):
            left = [name for name in left if name not in with_it]
    return left or compatible


def _matches(requested: Attributes, given: Attributes, jvm_ecosystem: bool) -> bool:
    def fits(key: str, wanted: object) -> bool:
        rule = _COMPATIBLE.get(key) if jvm_ecosystem else None
        return given[key] == wanted or (rule is not None and rule(wanted, given[key]))

    return all(fits(key, wanted) for key, wanted in requested.items() if key in given)


def _ordered(keys: Attributes | set[str]) -> list[str]:
    return sorted(keys, key=lambda key: (*_PRECEDENCE, key).index(key))


def _values(variants: Mapping[str, Attributes], names: Sequence[str], key: str) -> set[object]:
    return {variants[name][key] for name in names if key in variants[name]}


def _keep(
    variants: Mapping[str, Attributes], names: list[str], key: str, kept: set[object] | None
) -> list[str]:
    return names if kept is None else [n for n in names if variants[n].get(key) in kept]
