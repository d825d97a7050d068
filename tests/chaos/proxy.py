"""A network that misbehaves when told: a TCP proxy in front of a broker that advertises the proxy's port.

async with a_proxy(to_port, port) as proxy:
    proxy.delay(0.2)    # each way
    proxy.swallow()     # connections stay open and nothing comes through: a half-open line
    proxy.cut()         # connections are reset, new ones too
    proxy.resume()
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

CHUNK_BYTES: Final = 64 * 1024


class Proxy:
    """Made by `a_proxy`. What was swallowed never comes: a connection that lost bytes is reset on `resume`."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._delay_seconds = 0.0
        self._swallows = False
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._spoilt: set[asyncio.StreamWriter] = set()
        self.connections = 0
        self.swallowed_bytes = 0

    def delay(self, seconds: float) -> None:
        self._delay_seconds = seconds

    def swallow(self) -> None:
        self._swallows = True

    def cut(self) -> None:
        self._is_cut = True
        _reset(self._writers)

    def resume(self) -> None:
        self._delay_seconds, self._swallows, self._is_cut = 0.0, False, False
        _reset(self._spoilt)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self.connections += 1
        self._writers.add(writer)
        onward: asyncio.StreamWriter | None = None
        try:
            if self._is_cut:
                return
            back, onward = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._writers.add(onward)
            pumps = [
                asyncio.ensure_future(self._pump(reader, onward, writer)),
                asyncio.ensure_future(self._pump(back, writer, onward)),
            ]
            _, left = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in left:
                pump.cancel()
            await asyncio.wait(pumps)
        except OSError:
            pass  # the broker is down: so is this line
        finally:
            for each in filter(None, (writer, onward)):
                self._writers.discard(each)
                self._spoilt.discard(each)
                each.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, other: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self._delay_seconds:
                    await asyncio.sleep(self._delay_seconds)
                if self._swallows:
                    self.swallowed_bytes += len(chunk)
                    self._spoilt.update((writer, other))
                elif writer not in self._spoilt:
                    writer.write(chunk)
                    await writer.drain()


def _reset(writers: set[asyncio.StreamWriter]) -> None:
    for writer in list(writers):
        writer.transport.abort()


@contextlib.asynccontextmanager
async def a_proxy(to_port: int, port: int) -> AsyncIterator[Proxy]:
    """Listens on this port until the end of the block."""
    proxy = Proxy(to_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port)
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
        await asyncio.sleep(0)
