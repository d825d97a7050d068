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


def add_pages(app: web.Application) -> None:
    """`/` and `/case/{id}` are one page, which looks at its address."""
    app.router.add_get("/", _page)
    app.router.add_get("/case/{case_id}", _page)
    app.router.add_get("/static/{path:.+}", _file)


async def _page(_request: web.Request) -> web.StreamResponse:
    return _sent(FOLDER / "index.html")


async def _file(request: web.Request) -> web.StreamResponse:
    """Only what lies in the folder: no name leads out of it."""
    path = (FOLDER / request.match_info["path"]).resolve()
    if not path.is_relative_to(FOLDER.resolve()):
        raise web.HTTPNotFound
    return _sent(path)


def _sent(path: Path) -> web.StreamResponse:
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers=HEADERS)
