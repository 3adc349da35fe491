"""Two tools of Lighthouse's MCP server; like that one it knows the bridge by one fixed address."""

import json

import aiohttp
from mcp.server.fastmcp import FastMCP

BRIDGE = "http://localhost:8765"

mcp = FastMCP("lighthouse-bridge")


async def answer(path: str) -> str:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{BRIDGE}{path}") as response:
            return json.dumps(await response.json())
    except aiohttp.ClientError as error:
        return json.dumps({"error": str(error)})


@mcp.tool()
async def lighthouse_health_check() -> str:
    """Whether the bridge can be reached."""
    return await answer("/health")


@mcp.tool()
async def lighthouse_get_bridge_status() -> str:
    """What the bridge says of itself."""
    return await answer("/status")


if __name__ == "__main__":
    mcp.run(transport="stdio")
