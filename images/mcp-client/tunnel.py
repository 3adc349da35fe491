"""Runs a program beside a tunnel: what it sends to localhost:8765 in plain goes to the edge over TLS.

    tunnel.py PROGRAM...

The program has this one's standard input and output, gets its signals, and its status is the status here. The edge is named
by the environment:

    LIGHTHOUSE_EDGE              HOST or HOST:PORT; the port is 443 where none is said
    LIGHTHOUSE_EDGE_CA           file with the authority's certificate; without it the system's authorities count
    LIGHTHOUSE_EDGE_CERTIFICATE  files with the agent's certificate and key, where the edge asks for one
    LIGHTHOUSE_EDGE_KEY
"""

import asyncio
import os
import signal
import ssl
import sys

LISTEN = ("127.0.0.1", 8765)
CHUNK = 64 * 1024


def context() -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=os.environ.get("LIGHTHOUSE_EDGE_CA"))
    certificate = os.environ.get("LIGHTHOUSE_EDGE_CERTIFICATE")
    if certificate:
        made.load_cert_chain(certificate, os.environ.get("LIGHTHOUSE_EDGE_KEY"))
    return made


def edge() -> tuple[str, int]:
    host, _, port = os.environ["LIGHTHOUSE_EDGE"].partition(":")
    return host, int(port or 443)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side has said all; then the other is told so by closing it: TLS knows no half-closed connection."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, ssl.SSLError) as error:
        print(f"tunnel: {error}", file=sys.stderr)
    finally:
        writer.close()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext) -> None:
    host, port = edge()
    try:
        far_reader, far_writer = await asyncio.open_connection(host, port, ssl=tls)
    except OSError as error:
        # Refused, unknown or not whom the certificate names: the program sees a closed connection, a person the reason.
        print(f"tunnel: {host}:{port}: {error}", file=sys.stderr)
        writer.close()
        return
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


async def run(program: list[str]) -> int:
    tls = context()
    async with await asyncio.start_server(lambda reader, writer: carry(reader, writer, tls), *LISTEN):
        process = await asyncio.create_subprocess_exec(*program)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, process.send_signal, number)
        status = await process.wait()
        # A program ended by a signal has a status as a shell would tell it.
        return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if len(sys.argv) < 2 or not os.environ.get("LIGHTHOUSE_EDGE"):
        sys.exit(__doc__)
    # What is left of connections ends with the program.
    os._exit(asyncio.run(run(sys.argv[1:])))
