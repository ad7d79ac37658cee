"""What nginx's files say of the server that passes OSCAR on: under which address, and which headers OSCAR is sent."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# http://nginx.org/en/docs/beginners_guide.html#conf_structure
_TOKEN: Final = re.compile(
    r"""\#[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [{};] | (?:\\.|\$\{\w+\}|[^\s{};"'\\])+""",
    re.VERBOSE | re.DOTALL,
)
_MOST_BYTES: Final = 1024 * 1024
_DEEPEST: Final = 20  # blocks and files within each other: an `include` may name its own file
_HEADERS: Final = "proxy_set_header"


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive; `block` holds those within its braces."""

    name: str
    arguments: tuple[str, ...]
    block: tuple["Directive", ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A `server` block. `headers` are those that OSCAR is sent by it, by their names in small letters.

    `access_logs` and `error_logs` have the arguments of the directives that hold for it as a whole.
    """

    address: str
    headers: dict[str, str]
    access_logs: tuple[tuple[str, ...], ...] = ()
    error_logs: tuple[tuple[str, ...], ...] = ()


def server_of(file: Path, own_path: str) -> Server | None:
    """The server that has our path, `/oscar/cpar`, as nginx's main file and what it includes say.

    None where there is none, and where its files cannot be read.
    """
    oscar_path = own_path.rpartition("/")[0]
    main = _read(file, file.parent, 0)
    for http in _directives(main, "http"):
        for server in _directives(http.block, "server"):
            locations = list(_directives(server.block, "location"))
            if any(location.arguments[-1:] == (f"{own_path}/",) for location in locations):
                candidates = [
                    location
                    for location in locations
                    if location.arguments[-1:] in ((oscar_path,), (f"{oscar_path}/",), ("/",))
                ]
                longest = max(
                    candidates, key=lambda location: len(location.arguments[-1]), default=Directive("location", ())
                )
                headers = _innermost(_HEADERS, longest.block, server.block, http.block)
                return Server(
                    f"{_site(server)}{oscar_path}",
                    {header[0].lower(): header[1] for header in headers if len(header) == 2},
                    _innermost("access_log", server.block, http.block),
                    _innermost("error_log", server.block, http.block, main),
                )
    return None


def _innermost(name: str, *levels: tuple[Directive, ...]) -> tuple[tuple[str, ...], ...]:
    """Directives of an outer block count only where the inner one has none of its own."""
    arguments = (tuple(directive.arguments for directive in _directives(level, name)) for level in levels)
    return next(filter(None, arguments), ())


def _site(server: Directive) -> str:
    names = [
        name
        for directive in _directives(server.block, "server_name")
        for name in directive.arguments
        if name[:1].isalnum()
    ]
    listens = [directive.arguments for directive in _directives(server.block, "listen") if directive.arguments]
    secure = [listen for listen in listens if "ssl" in listen]
    match = re.fullmatch(r"(?:.*:)?(\d+)", (secure or listens or [("80",)])[0][0])
    port = match[1] if match else "443" if secure else "80"
    usual = "443" if secure else "80"
    return f"http{'s' if secure else ''}://{names[0] if names else '127.0.0.1'}{'' if port == usual else f':{port}'}"


def _directives(directives: tuple[Directive, ...], name: str) -> Iterator[Directive]:
    return (directive for directive in directives if directive.name == name)


def _read(file: Path, folder: Path, depth: int) -> tuple[Directive, ...]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")[:_MOST_BYTES] if depth < _DEEPEST else ""
    except OSError:
        return ()
    tokens = (word for word in _TOKEN.findall(text) if not word.startswith("#"))
    return tuple(_block(tokens, folder, depth))


def _block(tokens: Iterator[str], folder: Path, depth: int) -> Iterator[Directive]:
    """What follows up to the closing brace, files that are included in their place."""
    directive: list[str] = []
    for word in tokens:
        if word == "}":
            return
        if word not in (";", "{"):
            directive.append(word[1:-1] if word[0] in "\"'" else word)
            continue
        block = tuple(_block(tokens, folder, depth + 1)) if word == "{" else ()
        name, *arguments = directive or [""]
        if name == "include" and arguments:
            root = Path("/") if arguments[0].startswith("/") else folder
            for included in sorted(root.glob(arguments[0].lstrip("/"))):
                yield from _read(included, folder, depth + 1)
        else:
            yield Directive(name, tuple(arguments), block)
        directive = []
