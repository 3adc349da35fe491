"""The bridge's endpoints: names, fields, status codes and authentication of release 1.0.0."""

import logging
import os
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from .event_log import EventLog, Refused
from .sessions import Experts, Sessions

logger = logging.getLogger("lighthouse.bridge.http_server")

# Fixed in the bridge; a test has no right to write there.
MOUNT_POINT = Path(os.environ.get("LIGHTHOUSE_STUB_MOUNT", "/mnt/lighthouse/project"))
# No more events are given at a time.
MOST_EVENTS = 1000


class Bridge:
    def __init__(self) -> None:
        self.log = EventLog(Path(os.environ.get("LIGHTHOUSE_DATA_DIR", "./data")))
        self.sessions = Sessions()
        self.experts = Experts()
        self.elicitations: dict[str, dict[str, Any]] = {}
        self.began = time.time()
        # Looked at once: a bridge that could not begin stays stopped, yet answers.
        self.is_running = can_write(MOUNT_POINT)
        if not self.is_running:
            logger.warning("Bridge start warning: %s cannot be written", MOUNT_POINT)


def can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.bridge = Bridge()
    logger.info("Bridge started")
    yield
    app.state.bridge.log.close()
    logger.info("Bridge stopped")


app = FastAPI(title="Lighthouse Bridge API (stub)", version="1.0.0", lifespan=lifespan)


def bridge() -> Bridge:
    return app.state.bridge


def authenticated(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """The agent whose session it is. No header at all is a 403, as FastAPI of this version answers."""
    token = credentials.credentials
    if len(token) < 10:
        raise HTTPException(401, "Invalid authentication token")
    agent = bridge().sessions.agent_of(token)
    if agent is None:
        raise HTTPException(403, "Authentication token is not valid or has expired")
    return agent


Agent = Annotated[str, Depends(authenticated)]
Body = dict[str, Any]


@app.get("/health")
async def health() -> Body:
    return {"status": "healthy", "service": "lighthouse-bridge"}


@app.get("/status")
async def status() -> Body:
    """Always 200: only the text of `status` says whether it works."""
    return {
        "status": "operational" if bridge().is_running else "stopped",
        "mode": "normal",
        "components": {
            "event_store": "operational",
            "speed_layer": "operational",
            "expert_coordinator": "operational",
            "fuse_mount": "unavailable",
        },
        "active_agents": len(bridge().experts.capabilities),
        "pending_validations": 0,
        "uptime_seconds": time.time() - bridge().began,
    }


class SessionRequest(BaseModel):
    agent_id: str
    ip_address: str
    user_agent: str


@app.post("/session/create")
async def create_session(request: SessionRequest) -> Body:
    name, token, session = bridge().sessions.create(request.agent_id)
    return {
        "session_id": name,
        "session_token": token,
        "expires_at": str(session.ends),
        "agent_id": request.agent_id,
    }


class SessionCheck(BaseModel):
    session_token: str
    agent_id: str


@app.post("/session/validate")
async def validate_session(request: SessionCheck) -> Body:
    return {"valid": bridge().sessions.is_valid(request.session_token, request.agent_id)}


class Validation(BaseModel):
    tool_name: str
    tool_input: Body
    agent_id: str
    session_token: str | None = None


@app.post("/validate")
async def validate(request: Validation, _: Agent) -> Body:
    begin = time.perf_counter()
    if request.session_token and not bridge().sessions.is_valid(request.session_token, request.agent_id):
        raise HTTPException(401, "Invalid session token")
    return {
        "approved": False,
        "reasoning": f"The stub decides nothing about {request.tool_name}",
        "confidence": 0.3,
        "processing_time_ms": (time.perf_counter() - begin) * 1000,
        "metadata": {"risk_level": "unknown", "cache_hit": False, "expert_required": True},
    }


class Registration(BaseModel):
    agent_id: str
    agent_type: str
    capabilities: list[str]


@app.post("/expert/register")
async def register(request: Registration, agent: Agent) -> Body:
    logger.info("Agent %s is registering expert %s", agent, request.agent_id)
    bridge().experts.capabilities[request.agent_id] = request.capabilities
    return {
        "success": True,
        "message": "Expert registered",
        "token": uuid.uuid4().hex,
        "agent_id": request.agent_id,
    }


class Delegation(BaseModel):
    tool_name: str
    tool_input: Body
    target_expert: str
    session_token: str


@app.post("/expert/delegate")
async def delegate(request: Delegation, _: Agent) -> Body:
    return {
        "status": "delegated",
        "delegation_id": occupied(request.target_expert),
        "target_expert": request.target_expert,
        "message": "Command delegated",
        "tool_name": request.tool_name,
    }


@app.post("/task/dispatch")
async def dispatch(request: Body, _: Agent) -> Body:
    task = occupied(str(request.get("target_agent")))
    return {"task_id": task, "status": "dispatched", "message": "Task dispatched"}


def occupied(expert: str) -> str:
    work = bridge().experts.occupy(expert)
    # The bridge answers 500 here, for what is no fault of its own too.
    if work is None:
        raise HTTPException(500, f"400: No available expert {expert}")
    return work


@app.post("/collaboration/start")
async def collaborate(request: Body, _: Agent) -> Body:
    return {
        "session_id": uuid.uuid4().hex,
        "status": "started",
        "message": "Collaboration session started",
        "participants": request.get("participants", []),
    }


@app.post("/event/store")
def store_event(request: Body, _: Agent) -> Body:
    event = {
        "event_type": str(request.get("event_type", "system_started")).lower(),
        "aggregate_id": request.get("aggregate_id") or str(uuid.uuid4()),
        "aggregate_type": request.get("aggregate_type", "http_server"),
        "data": request.get("data", {}),
        "source_component": "http_server",
        "source_agent": request.get("agent_id", "http_server"),
        "metadata": request.get("metadata", {}),
    }
    try:
        stored = bridge().log.append(event)
    except (Refused, OSError, ValueError, TypeError) as error:
        logger.error("Event storage failed: %s: %s", type(error).__name__, error)
        raise HTTPException(500, str(error)) from error
    return {
        "event_id": stored["event_id"],
        "status": "stored",
        "message": f"Event {event['event_type']} stored successfully",
        "sequence": stored["sequence"],
    }


@app.get("/event/query")
def query_events(_: Agent, limit: int = 100) -> Body:
    """The oldest events; other parameters of the bridge are taken, and have no effect, which is true of the bridge too."""
    events = bridge().log.first(min(limit, MOST_EVENTS))
    return {"events": events, "count": len(events), "message": f"Found {len(events)} events matching query"}


class Elicitation(BaseModel):
    from_agent: str
    to_agent: str
    message: str
    schema_: Body | None = None
    timeout_seconds: int = 30


@app.post("/elicitation/create")
async def create_elicitation(request: Elicitation, _: Agent) -> Body:
    name = uuid.uuid4().hex
    ends = time.time() + request.timeout_seconds
    bridge().elicitations[name] = {**request.model_dump(), "elicitation_id": name, "status": "pending", "expires_at": ends}
    return {
        "elicitation_id": name,
        "status": "pending",
        "expires_at": ends,
        "message": "Elicitation created successfully",
    }


@app.get("/elicitation/pending")
async def pending_elicitations(agent_id: str, _: Agent) -> Body:
    every = bridge().elicitations.values()
    found = [one for one in every if one["to_agent"] == agent_id and one["status"] == "pending"]
    return {"elicitations": found, "count": len(found)}


class Answer(BaseModel):
    elicitation_id: str
    responding_agent: str
    response_type: str


@app.post("/elicitation/respond")
async def respond(request: Answer, _: Agent) -> Body:
    one = bridge().elicitations.get(request.elicitation_id)
    if one is None or one["to_agent"] != request.responding_agent:
        raise HTTPException(500, "400: Failed to respond to elicitation")
    one["status"] = request.response_type
    return {"status": "success", "message": f"Elicitation {request.elicitation_id} {request.response_type}"}


@app.get("/elicitation/status/{elicitation_id}")
async def elicitation_status(elicitation_id: str, _: Agent) -> Body:
    one = bridge().elicitations.get(elicitation_id)
    if one is None:
        raise HTTPException(404, "Elicitation not found")
    return one


@app.websocket("/ws/{agent_id}")
async def web_socket(socket: WebSocket, agent_id: str) -> None:
    await socket.accept()
    try:
        while True:
            message = await socket.receive_json()
            if message.get("type") == "ping":
                await socket.send_json({"type": "pong"})
            elif message.get("type") != "subscribe":
                await socket.send_json({"type": "response", "data": f"Received: {message}"})
    except WebSocketDisconnect:
        logger.info("WebSocket disconnected for agent %s", agent_id)
