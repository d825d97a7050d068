"""The page itself: files that hold no data, so that they need no token.

Everything the page loads comes from here, and its policy says so: no script, style, font or picture of anybody else,
nothing inline, no frame around it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).parent / "static"
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked for anew each time, and mostly answered with 304
}

# Not as the machine's list of types has it: with `nosniff` a wrong one is a page that does not work.
TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


def add_pages(app: web.Application) -> None:
    """`/`, `/cases` and `/case/{id}` are one page, which looks at its address."""
    app.router.add_get("/", _page)
    app.router.add_get("/cases", _page)
    app.router.add_get("/case/{case_id}", _page)
    app.router.add_get("/static/{path:.+}", _file)


async def _page(_request: web.Request) -> web.StreamResponse:
    return _sent(FOLDER / "index.html")


async def _file(request: web.Request) -> web.StreamResponse:
    """Only what lies in the folder: no name leads out of it."""
    try:
        path = (FOLDER / request.match_info["path"]).resolve()
        is_ours = path.is_relative_to(FOLDER.resolve()) and path.is_file()
    except (OSError, ValueError):  # no file can have this name
        raise web.HTTPNotFound from None
    if not is_ours:
        raise web.HTTPNotFound
    return _sent(path)


def _sent(path: Path) -> web.StreamResponse:
    kind = TYPES.get(path.suffix)
    if kind is None or not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers=HEADERS | {"Content-Type": kind})
