"""Runs of the bot. The answer's text and sources are in its message only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import UtcTime, now
from tertulia_shared.events import Message, Run, RunState


class BotRunRow(SQLModel, table=True):
    """`trigger_message_id` is the message that asked, when there is one; changing that empties `prompt`.

    `started_log_id` and `finished_log_id` are where the log tells of it; None also for what an earlier release told.
    """

    __tablename__ = "bot_run"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(primary_key=True)
    workspace_id: UUID
    channel_id: UUID
    asker_id: UUID
    command: str
    prompt: str
    thread_id: UUID | None = None
    trigger_message_id: UUID | None = None
    model: str
    state: str = RunState.RUNNING
    attempt: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    error: str | None = None
    message_id: UUID | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcTime)
    started_log_id: int | None = Field(default=None, sa_type=BigInteger)
    finished_log_id: int | None = Field(default=None, sa_type=BigInteger)

    def view(self, answer: Message | None = None) -> Run:
        """`answer` is the message that the run ended in; its sources are the run's."""
        return Run(
            id=str(self.id),
            workspace_id=str(self.workspace_id),
            channel_id=str(self.channel_id),
            asker_id=str(self.asker_id),
            command=self.command,
            prompt=self.prompt,
            state=RunState(self.state),
            created_at=self.created_at,
            thread_id=str(self.thread_id) if self.thread_id else None,
            trigger_message_id=str(self.trigger_message_id) if self.trigger_message_id else None,
            attempt=self.attempt,
            model=self.model,
            citations=answer.ai.citations if answer and answer.ai else [],
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            finished_at=self.finished_at,
            error=self.error,
            message_id=str(self.message_id) if self.message_id else None,
        )
