"""Follows the audit stream in the background, as a subscriber would: it keeps
the last resume token, can lose its connection, and comes back with the token."""

import threading

import grpc
from google.protobuf.duration_pb2 import Duration
from steward.v1 import audit_pb2 as pb

from client import Steward

PATIENCE = 30.0  # seconds to wait for an event that has been acknowledged


class Follower:
    """One subscriber of one log, across any number of connections."""

    def __init__(self, address: str, parent: str) -> None:
        self.address = address
        self.parent = parent
        self.batches: list[list[pb.AuditEvent]] = []
        self.token = ""
        self.error: grpc.RpcError | None = None
        self._steward: Steward | None = None
        self._stream: grpc.Future | None = None
        self._thread: threading.Thread | None = None
        self._news = threading.Condition()

    @property
    def events(self) -> list[pb.AuditEvent]:
        """All events so far, in the order in which they came."""
        with self._news:
            return [event for batch in self.batches for event in batch]

    def connect(self) -> None:
        """Subscribes behind the last token, or from the beginning without one,
        over a connection of its own."""
        request = pb.SubscribeAuditEventsRequest(
            parent=self.parent, max_batch_size=2, progress_interval=Duration(nanos=200_000_000)
        )
        if self.token:
            request.resume_token = self.token
        else:
            request.start_point = pb.START_POINT_EARLIEST
        self._steward = Steward(self.address)
        self._stream = self._steward.audit.SubscribeAuditEvents(request)
        self._thread = threading.Thread(target=self._read, args=(self._stream,), daemon=True)
        self._thread.start()

    def disconnect(self) -> None:
        """Drops the stream and its connection without a word to the server."""
        self._stream.cancel()
        self._thread.join(PATIENCE)
        self._steward.channel.close()

    def reaches(self, position: int) -> bool:
        """Waits for the event at a position; False when it does not come."""
        with self._news:
            return self._news.wait_for(
                lambda: (
                    self.error is not None or (self.batches and self.batches[-1][-1].position >= position)
                ),
                PATIENCE,
            ) and (self.error is None)

    def _read(self, stream: grpc.Future) -> None:
        try:
            for message in stream:
                with self._news:
                    self._take(message)
                    self._news.notify_all()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.CANCELLED:
                with self._news:
                    self.error = error
                    self._news.notify_all()

    def _take(self, message: pb.SubscribeAuditEventsResponse) -> None:
        kind = message.WhichOneof("message")
        if kind == "batch":
            self.batches.append(list(message.batch.events))
            self.token = message.batch.resume_token
        elif kind == "progress":
            self.token = message.progress.resume_token
