"""A loopback proxy that records the Kafka frames passing through it."""

import dataclasses
import socket
import struct
import threading


@dataclasses.dataclass(frozen=True)
class Frame:
    kind: str  # request or response
    api: int
    version: int
    data: bytes  # without the size field


class RecordingProxy:
    """Listens on 127.0.0.1:port and forwards to `target`; a client only uses it if the broker advertises this address.

    on_frame is called from the forwarding threads, one call at a time.
    """

    def __init__(self, port: int, target: tuple[str, int], on_frame):
        self._target = target
        self._on_frame = on_frame
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            pending: dict[int, tuple[int, int]] = {}
            threading.Thread(target=self._pump, args=(client, broker, "request", pending), daemon=True).start()
            threading.Thread(target=self._pump, args=(broker, client, "response", pending), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, kind: str, pending: dict) -> None:
        try:
            stream = source.makefile("rb")
            while size_bytes := stream.read(4):
                data = stream.read(struct.unpack(">i", size_bytes)[0])
                self._record(kind, data, pending)
                sink.sendall(size_bytes + data)
        except OSError:
            pass
        finally:
            for side in (source, sink):
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _record(self, kind: str, data: bytes, pending: dict) -> None:
        with self._lock:
            if kind == "request":
                api, version, correlation = struct.unpack(">hhi", data[:8])
                pending[correlation] = (api, version)
            else:
                known = pending.pop(struct.unpack(">i", data[:4])[0], None)
                if known is None:
                    return
                api, version = known
            self._on_frame(Frame(kind, api, version, data))
