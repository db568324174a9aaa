"""ISF-1 Data send and receive: envelope, code, duplicates, expiry, outbox (spec smartlvgrid, 6).

Everything that arrives passes receive(): what is malformed, foreign, doubled, stale, replayed or
not authentic is counted by its reason and dropped, and nothing switches. Knows topics and bytes;
decides nothing.
"""
from micropython import const

from acu import messages

TTL_MS = const(10_000)
_FUTURE_MS = const(5_000)
_SEEN = const(16)           # message numbers remembered for each sender
_SENDERS = const(100)       # more than a circuit has
_OUTBOX = const(24)         # QoS 1 messages kept while the link is down; old telemetry goes first

MALFORMED, FOREIGN, DOUBLED, STALE, REPLAYED, UNAUTHENTIC = 0, 1, 2, 3, 4, 5
REASONS = ("MALFORMED", "FOREIGN", "DOUBLED", "STALE", "REPLAYED", "UNAUTHENTIC")


class NullAuthenticator:
    """Holds the place of the code until keys exist: 16 zeros, and nothing else, pass."""

    def sign(self, raw, peer):
        return "0" * 16

    def verify(self, raw, h, peer):
        return h == "0" * 16


class Messenger:
    """One ACU's mouth and ears. `boots` makes command counters grow over restarts."""

    def __init__(self, link, sync, me, boots, auth=None):
        self._link = link
        self._sync = sync
        self._auth = auth or NullAuthenticator()
        self.me = me
        self._n = (boots << 12) & 0xFFFF    # a restarted sender must not look like its own echo
        self._k = boots << 32     # no uptime sends that many commands; below 2^53
        self._c = 0
        self._seen = {}             # sender -> [boot, newest command counter, recent numbers]
        self._outbox = []
        self.dropped = [0] * len(REASONS)
        self.discarded = 0          # QoS 1 messages lost from a full outbox

    def corr(self):
        """A fresh correlation id."""
        self._c = (self._c + 1) & 0xFFFF
        return self._c

    def send(self, now_ms, topic, t, dst, body, c=0, ttl_ms=TTL_MS):
        """Encodes and publishes; QoS 1 waits in the outbox while the link is down."""
        self._n = (self._n + 1) & 0xFFFF
        ts = self._sync.utc_ms(now_ms)
        if messages.command(t):
            self._k += 1
        raw = messages.encode(t, self.me, dst, self._n, c, ts, body,
                              lambda text: self._auth.sign(text, dst), self._k, ts + ttl_ms)
        self.pass_on(topic, raw, messages.qos(t), messages.retained(t))

    def send_pages(self, now_ms, topic, t, dst, body, rows, keys, c=0):
        """As many pages of one body as its rows take. rows: (key, row) in order; keys: of the
        lists that they go into. Each page says which one of how many it is, pg of pgs."""
        for key in keys:
            body[key] = []
        body["pg"] = body["pgs"] = 99
        empty = messages.encode(t, self.me, dst, 65535, 65535, self._sync.utc_ms(now_ms), body)
        pages = [[]]
        left = room = messages.PAGE_MAX - len(empty)
        for one in rows:
            size = len(messages.as_text(one[1])) + 1
            if size > left:
                pages.append([])
                left = room
            pages[-1].append(one)
            left -= size
        body["pgs"] = len(pages)
        for k in range(len(pages)):
            body["pg"] = k
            for key in keys:
                body[key] = [row for where, row in pages[k] if where == key]
            self.send(now_ms, topic, t, dst, body, c)

    def pass_on(self, topic, raw, qos, retain):
        """Publishes finished bytes: our own, or somebody's whom we relay, whose code must stay
        valid. QoS 1 never overtakes what waits: a counter that arrives late would be taken for a
        replay."""
        if not (qos and self._outbox) and self._link.publish(topic, raw, qos, retain) or not qos:
            return
        if len(self._outbox) >= _OUTBOX:
            at = 0      # what repeats itself goes first: an outage is said once
            for k in range(len(self._outbox)):
                if self._outbox[k][0].endswith("/tele"):
                    at = k
                    break
            del self._outbox[at]
            self.discarded += 1
        self._outbox.append((topic, raw, qos, retain))

    def slow(self):
        """Empties the outbox, oldest first, at most two a pass."""
        for _ in range(2):
            if not self._outbox or not self._link.publish(*self._outbox[0]):
                return
            del self._outbox[0]

    def waiting(self):
        """Something is in the outbox and could go."""
        return self._outbox and self._link.up

    def _drop(self, reason):
        self.dropped[reason] += 1

    def count_foreign(self):
        self._drop(FOREIGN)

    def receive(self, now_ms, raw, relay=False, senders=None):
        """The message as a dict, or None after counting why not. relay: it may be for somebody
        else, who will check its code; ours are checked here. senders: who may speak on its topic;
        None: anybody."""
        msg = messages.decode(raw)
        if msg is None:
            return self._drop(MALFORMED)
        src = msg["s"]
        t = msg["t"]
        if src == self.me or (senders is not None and src not in senders):
            return self._drop(FOREIGN)
        ours = msg["d"] in (self.me, "*")
        if not ours and not relay:
            return self._drop(FOREIGN)
        command = ours and messages.command(t)
        if command and not self._auth.verify(raw[:-messages.H_TAIL], msg["h"], src):
            return self._drop(UNAUTHENTIC)
        seen = self._seen.get(src)
        if seen is None:
            if len(self._seen) >= _SENDERS:
                return self._drop(FOREIGN)
            seen = self._seen[src] = [-1, -1, []]
        if t == "hello" and msg["b"]["boot"] != seen[0]:
            seen[0] = msg["b"]["boot"]      # restarted: its numbers begin anew
            seen[2] = []
        if msg["n"] in seen[2]:
            return self._drop(DOUBLED)
        if t in messages.REQUESTS:
            utc_ms = self._sync.utc_ms(now_ms)
            age_ms = utc_ms - msg["ts"]
            if age_ms > TTL_MS or age_ms < -_FUTURE_MS or (command and utc_ms > msg["x"]):
                return self._drop(STALE)
        if command and t != "time":
            # a relayed broadcast and a unicast may overtake each other by a little, never a replay
            if msg["k"] <= seen[1]:
                return self._drop(REPLAYED)
            seen[1] = msg["k"]
        seen[2].append(msg["n"])
        if len(seen[2]) > _SEEN:
            del seen[2][0]
        return msg
