"""Vapi's message as (b) and (c) validate it."""

from pydantic import BaseModel


class Party(BaseModel):
    number: str | None = None


class Call(BaseModel):
    id: str
    type: str


class Message(BaseModel):
    timestamp: int
    type: str
    call: Call
    customer: Party


class ServerMessage(BaseModel):
    message: Message


class Answer(BaseModel):
    assistantId: str
