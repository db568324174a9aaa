"""The Link door (ports.py) over one MQTT connection. umqtt.simple makes and reads the packets.

umqtt would block in the middle of a packet, deliver what was cut, wait for each acknowledgement
and count its packet numbers past 65535. So it is wrapped: its socket is a _Wire that gives it one
whole packet to read and collects what it writes; bytes go in and out without waiting, a bounded
few in each poll(). Works with umqtt of PyPI (1.3.4) and of micropython-lib. QoS 0 and 1. Whatever
goes wrong closes the connection, and after a pause with a dice in it a new one is made; `cause`
says what it was. Times in ms, by the clock that it is given. Slow tier only.

Never: waits, raises out of poll() or publish(), calls on_message from within umqtt, delivers a
message that did not come whole, or a command that a broker had kept (retained).
"""
from binascii import crc32

from micropython import const
from umqtt.simple import MQTTClient

# Why there is no connection, or why the last one ended. They stand in events: never re-use one.
C_NONE = const(0)
C_WIFI = const(1)       # no network below
C_DNS = const(2)        # the broker's name has no address
C_TCP = const(3)        # nobody answers there
C_TLS_CA = const(4)     # its certificate is not signed by our CA,
C_TLS_TIME = const(5)   # has expired or is not yet valid (or our clock is wrong),
C_TLS_NAME = const(6)   # is somebody else's
C_TLS_OTHER = const(7)
C_REFUSED = const(8)    # the broker does not want us, or not that filter
C_CLOSED = const(9)
C_SILENT = const(10)    # no answer in time
C_BROKEN = const(11)    # what came is no MQTT
C_WRITE = const(12)

# places in `refused`
RETAINED = const(0)     # a command that the broker had kept
OVERSIZED = const(1)
BROKEN = const(2)       # packets, or topics that are no text
FULL = const(3)         # publish() while too much was under way

_IDLE = const(0)
_DIAL = const(1)        # TCP
_GREET = const(2)       # TLS, CONNECT, CONNACK, SUBACKs
_UP = const(3)

_PAYLOAD = const(1024)
_BODY = const(1300)     # with topic and number; of a longer packet
_HEAD = const(264)      # so much is kept, to acknowledge it
_LENGTHS = {0x20: 2, 0x40: 2, 0x90: 3, 0xD0: 0}      # of the bodies that a broker may send
_TX = const(2048)       # bytes that wait to be sent
_PIECE = const(512)
_FLIGHT = const(6)      # QoS 1 without acknowledgement
_PACKETS = const(4)     # in one poll
_DIAL_MS = const(5_000)
_ANSWER_MS = const(15_000)      # a net may take 5 s each way
_CAP_MS = const(5_000)          # of the pause; back within 10 s
_LONG_MS = const(30_000)        # of the pause where trying again will not help
_GOOD_MS = const(10_000)


# EOFError() is: umqtt wants more than the packet has; when it has sent, it waits for the answer.
# EOFError(C_*) ends the connection. A class of our own would take 200 bytes.


class _Wire:
    """What umqtt takes for its socket."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.rx = bytearray()
        self.at = 0
        self.tx = []            # in the pieces that umqtt wrote: nothing long is copied
        self.size = 0           # bytes of them

    def write(self, data, n=-1):
        if n >= 0 or not isinstance(data, bytes):
            data = bytes(data if n < 0 else data[:n])       # it is used again
        self.tx.append(data)
        self.size += len(data)

    def piece(self):
        """The next bytes to send, as many as fit."""
        tx = self.tx
        n = k = 0
        while k < len(tx) and (not k or n + len(tx[k]) <= _PIECE):
            n += len(tx[k])
            k += 1
        data = b"".join(tx[:k])
        self.tx = tx[k:]
        self.size -= n
        return data

    def read(self, n):
        at = self.at
        if not 0 <= n <= len(self.rx) - at:
            raise EOFError
        self.at = at + n
        return bytes(self.rx[at:at + n])

    def close(self):
        pass

    def settimeout(self, to=0):
        pass

    setblocking = connect = settimeout


class _Client(MQTTClient):
    wire = None

    @property
    def sock(self):
        return self.wire

    @sock.setter
    def sock(self, raw):
        if raw:
            raw.close()         # umqtt's own, never connected


class MqttLink:
    """stream: the connection (stream.Stream). will: (topic, payload that the broker sends when we
    are lost, our own when we are there; %d in it is the session), both retained. carrier: what
    has to be `up` first (Wi-Fi). clean: False where the broker has to keep for us what others
    have sent and taken for delivered: an Operator's event must find its Coordinator."""

    trusted = False

    def __init__(self, clock, stream, me, user=None, password=None, will=None, keepalive_s=30,
                 carrier=None, clean=True):
        self.up = False
        self.acks = []
        self.session = 0
        self.cause = C_NONE
        self.refused = [0, 0, 0, 0]
        self._clock = clock
        self._stream = stream
        self._carrier = carrier
        self._half_ms = 500 * keepalive_s
        self._will = will
        self._clean = clean
        self._filters = []
        self._inbox = []
        self._blame = C_BROKEN
        self._dice = crc32(me.encode()) & 0xFFFF
        self._fails = 0
        # it opens a socket of its own, which is closed at once: no name is looked up for that
        self._client = _Client(me.encode(), "127.0.0.1", 1, user and user.encode(),
                               user and password.encode(), keepalive_s)
        self._wire = self._client.wire = _Wire()
        self._client.set_callback(self._heard)
        if will:
            self._client.set_last_will(will[0].encode(), will[1].encode(), True, 1)
        self._rest(clock.now_ms(), 1000)

    def _rest(self, now_ms, most_ms):
        """No connection; the next attempt after half to all of this time."""
        self._stage = _IDLE
        self._wire.clear()
        self._flight = {}           # packet number: since when
        self._subs = []             # packet numbers of subscriptions under way
        self._piece = b""           # what was tried last: TLS wants it again as it was
        self._greeted = False
        self._next()
        self._ping_ms = -1
        self._birth = 0
        self._dice = (75 * self._dice + 74) % 65537
        self._due_ms = now_ms + most_ms // 2 + self._dice % (most_ms // 2)

    # -- the door

    def subscribe(self, topic_filter):
        self._filters.append(topic_filter)
        if self.up:
            self._ask(topic_filter, self._clock.now_ms())

    def publish(self, topic, payload, qos, retain):
        if not self.up:
            return 0
        if self._wire.size + len(topic) + len(payload) > _TX or (
                qos and len(self._flight) >= _FLIGHT):
            self.refused[FULL] += 1
            return 0
        n = self._number() if qos else 0
        try:
            self._call(self._client.publish, topic.encode(), payload, bool(retain), qos)
        except Exception:       # no memory: half a packet must not stay
            self._break(C_WRITE)
            return 0
        if not qos:
            return 1
        self._flight[n] = self._clock.now_ms()
        return n + 1

    def poll(self, on_message):
        now_ms = self._clock.now_ms()
        try:
            self._work(now_ms)
        except Exception as e:      # umqtt tells what is wrong in six ways
            self._break(e.args[0] if isinstance(e, EOFError) and e.args else
                        self._stream.blame(e) or self._blame)
        while self._inbox:
            topic, payload = self._inbox.pop(0)
            on_message(topic, payload)

    # -- one step

    def _work(self, now_ms):
        stage = self._stage
        if self._carrier and not self._carrier.up:
            if stage:
                raise EOFError(C_WIFI)
            self.cause = C_WIFI
        elif not stage:
            if now_ms >= self._due_ms:
                self._stage = _DIAL
                self._stream.begin()
                self._due_ms = self._clock.now_ms() + _DIAL_MS
        elif stage == _DIAL:
            if self._stream.connected():
                self._stage = _GREET
                self._due_ms = self._clock.now_ms() + _ANSWER_MS
                self._call(self._client.connect, self._clean)
            elif now_ms >= self._due_ms:
                raise EOFError(C_TCP)
        else:
            self._blame = C_WRITE
            self._flush(now_ms)
            self._blame = C_CLOSED
            for _ in range(_PACKETS):
                if not self._receive(now_ms):
                    break
            self._watch(now_ms)
            self._blame = C_WRITE
            self._flush(now_ms)

    def _break(self, cause):
        now_ms = self._clock.now_ms()
        self._stream.close()
        self.cause = cause
        if cause == C_BROKEN:
            self.refused[BROKEN] += 1
        if self.up and now_ms - self._up_ms >= _GOOD_MS:
            self._fails = 0
        self.up = False
        long = C_TLS_CA <= cause <= C_TLS_NAME or cause == C_REFUSED or cause == C_DNS
        self._rest(now_ms, _LONG_MS if long else min(1000 << self._fails, _CAP_MS))
        self._fails = min(self._fails + 1, 3)

    def _watch(self, now_ms):
        """Is somebody still there?"""
        if not self.up or self._subs:
            if now_ms >= self._due_ms:
                raise EOFError(C_SILENT if self._stream.shaken else C_TLS_OTHER)
            return
        for n in self._flight:
            if now_ms - self._flight[n] >= _ANSWER_MS:
                raise EOFError(C_SILENT)
        if self._ping_ms >= 0:
            if now_ms - self._ping_ms >= _ANSWER_MS:
                raise EOFError(C_SILENT)
        elif now_ms - min(self._heard_ms, self._sent_ms) >= self._half_ms:
            self._ping_ms = now_ms
            self._client.ping()

    # -- out

    def _number(self):
        """Of the next packet; umqtt adds 1 by itself."""
        client = self._client
        n = client.pid % 65535 + 1
        while n in self._flight or n in self._subs:
            n = n % 65535 + 1
        client.pid = n - 1
        return n

    def _call(self, call, *args):
        """Lets umqtt write. It would wait for an answer, which comes in its own time."""
        try:
            call(*args)
        except EOFError:
            pass

    def _ask(self, topic_filter, now_ms):
        self._subs.append(self._number())
        self._call(self._client.subscribe, topic_filter.encode(), 1)
        self._due_ms = now_ms + _ANSWER_MS

    def _flush(self, now_ms):
        while self._piece or self._wire.tx:
            self._piece = self._piece or self._wire.piece()
            n = self._stream.send(self._piece)
            if not n:
                return
            self._piece = self._piece[n:]
            self._sent_ms = now_ms

    # -- in

    def _receive(self, now_ms):
        """One packet; False: it is not all there yet."""
        rx = self._wire.rx
        while self._left:
            left = self._left
            data = self._stream.recv(min(left, _PIECE) if left > 0 else 1 if len(rx) > 1 else
                                     2 - len(rx))
            if data is None:
                return False
            if not data:
                raise EOFError(C_CLOSED)
            self._heard_ms = now_ms
            self._ping_ms = -1
            if left > 0:
                self._left -= len(data)
                if not self._long or len(rx) < _HEAD:
                    rx.extend(data)
            else:
                rx.extend(data)
                self._left = self._length(rx)
        self._blame = C_BROKEN
        self._take(rx[0] & 0xF0, rx, now_ms)
        self._blame = C_CLOSED
        self._next()
        return True

    def _next(self):
        """Room for another packet."""
        self._wire.rx = bytearray()
        self._wire.at = 0
        self._left = -1         # bytes of its body that are missing; -1: its header is
        self._long = False

    def _length(self, rx):
        """Of the body; -1: the header is not whole."""
        at = len(rx) - 1
        if not at or rx[at] & 0x80:
            if at == 4:
                raise EOFError(C_BROKEN)
            return -1
        n = 0
        while at:
            n = n << 7 | rx[at] & 0x7F
            at -= 1
        op = rx[0]
        if op & 0xF0 != 0x30:
            if n != _LENGTHS.get(op):
                raise EOFError(C_BROKEN)
        elif op & 6 > 2 or n < 2 or not self._greeted:
            raise EOFError(C_BROKEN)
        self._long = n > _BODY
        return n

    def _take(self, op, rx, now_ms):
        """A whole packet."""
        wire = self._wire
        if self._long:
            self.refused[OVERSIZED] += 1
            if rx[0] & 6:       # else the broker sends it again and again
                at = 1
                while rx[at] & 0x80:
                    at += 1
                at += 3 + (rx[at + 1] << 8 | rx[at + 2])
                wire.write(bytes((0x40, 2, rx[at], rx[at + 1])))
            return
        self._client.wait_msg()
        if op == 0x40:
            n = rx[2] << 8 | rx[3]
            if self._flight.pop(n, None) is None:
                pass                        # the second of two is nothing
            elif n + 1 == self._birth:
                self._birth = 0
            else:
                self.acks.append(n + 1)
        elif op == 0x20:
            if rx[3] or self._greeted:
                raise EOFError(C_REFUSED)
            self._greeted = True
            for one in self._filters:
                self._ask(one, now_ms)
        elif op == 0x90:
            self._subs.remove(rx[2] << 8 | rx[3])
            if rx[4] & 0x80:
                raise EOFError(C_REFUSED)
        if self._greeted and not self.up and not self._subs:
            self._welcome(now_ms)

    def _welcome(self, now_ms):
        self.up = True
        self._up_ms = self._heard_ms = self._sent_ms = now_ms
        self.session += 1
        if self._will:
            topic, _, text = self._will
            if "%d" in text:
                text = text % self.session
            self._birth = self.publish(topic, text.encode(), 1, True)

    def _heard(self, topic, payload):
        """From within umqtt: nothing is done here but to remember it."""
        rx = self._wire.rx
        try:
            topic = str(topic, "utf-8")
        except ValueError:
            self.refused[BROKEN] += 1
            return
        if len(payload) > _PAYLOAD:
            self.refused[OVERSIZED] += 1
        elif rx[0] & 1 and "/dn/" in topic:
            self.refused[RETAINED] += 1
        else:
            self._inbox.append((topic, payload))
