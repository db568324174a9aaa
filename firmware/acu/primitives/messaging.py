"""ISF-1 Data send and receive: envelope, code, duplicates, expiry (spec smartlvgrid, 6).

Everything that arrives passes receive(): what is malformed, foreign, doubled, stale, replayed or
not authentic is counted by its reason and dropped, and nothing switches. What goes with QoS 1 goes
through the outbox. Knows topics and bytes; decides nothing.
"""
from micropython import const

from acu import messages
from acu.primitives.authentication import Null
from acu.primitives.outbox import Outbox

TTL_MS = const(10_000)
_FUTURE_MS = const(5_000)
_SEEN = const(16)           # message numbers remembered for each sender
_SENDERS = const(100)       # more than a circuit has

MALFORMED, FOREIGN, DOUBLED, STALE, REPLAYED, UNAUTHENTIC, UNKEPT = 0, 1, 2, 3, 4, 5, 6
# UNKEPT: its counter could not be stored just now, so that after a power cut it would count twice
REASONS = ("MALFORMED", "FOREIGN", "DOUBLED", "STALE", "REPLAYED", "UNAUTHENTIC", "UNKEPT")


class Messenger:
    """One ACU's mouth and ears. `boots` makes command counters grow over restarts."""

    audit = None        # who asked what, where there are keys (audit.py)

    def __init__(self, link, sync, me, boots, store, auth=None, may_write=lambda: True):
        self._link = link
        self._sync = sync
        self.auth = auth or Null()
        self.me = me
        self.may_write = may_write
        self._boots = boots
        self._nonces = 0
        self._nonce = 0             # what our last question for the time was about; 0: answered
        self._n = (boots << 12) & 0xFFFF    # a restarted sender must not look like its own echo
        self._k = boots << 32     # no uptime sends that many commands; below 2^53
        self._c = 0
        # sender -> [boot, newest command counter, recent numbers, newest counter of those to all]
        self._seen = {}
        self.outbox = Outbox(link, store)
        self.dropped = [0] * len(REASONS)

    def corr(self):
        """A fresh correlation id."""
        self._c = (self._c + 1) & 0xFFFF
        return self._c

    def send(self, now_ms, topic, t, dst, body, c=0, ttl_ms=TTL_MS, nonce=0):
        """Encodes and publishes. nonce: of a question for the time that this answers, instead of
        the expiry, which nobody can judge who does not know the time."""
        self._n = (self._n + 1) & 0xFFFF
        ts = self._sync.utc_ms(now_ms)
        until_ms = 0
        if messages.command(t):
            self._k += 1
            until_ms = now_ms + ttl_ms
        elif self.audit and "e" in body:
            self.audit.answered(c, body["e"])
        raw = messages.encode(t, self.me, dst, self._n, c, ts, body,
                              lambda text: self.auth.sign(text, dst), self._k,
                              -nonce if nonce else ts + ttl_ms)
        self.pass_on(now_ms, topic, raw, messages.qos(t), messages.retained(t), until_ms)

    def above(self):
        """Somebody whom we command has restarted: what he has reserved of our counter is void."""
        self._k = self.auth.above(self._k)

    def question(self):
        """Something to ask with for the time; what answers it is fresh."""
        self._nonces += 1
        self._nonce = self.auth.nonce(self._boots, self._nonces) if self.auth.strict else 1
        return self._nonce

    def answers(self, msg):
        """Is this `time` the answer to our last question? Once."""
        if msg["d"] != self.me or not self._nonce or (
                self.auth.strict and msg["x"] != -self._nonce):
            return False
        self._nonce = 0
        return True

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

    def pass_on(self, now_ms, topic, raw, qos, retain, until_ms=0):
        """Publishes finished bytes: our own, or somebody's whom we relay, whose code must stay
        valid."""
        if qos:
            self.outbox.put(now_ms, topic, raw, retain, until_ms)
        else:
            self._link.publish(topic, raw, 0, retain)

    def slow(self, now_ms):
        may_write = self.may_write()
        self.outbox.slow(now_ms, may_write)
        if self.auth.unsaved and may_write:
            self.auth.save()
        if self.audit:
            self.audit.slow(now_ms, may_write)

    def waiting(self):
        """Something could go, or has to be stored."""
        return self.outbox.waiting() or self.auth.unsaved

    def rest_ms(self, now_ms):
        rest_ms = self.outbox.rest_ms(now_ms)
        return min(rest_ms, self.audit.rest_ms(now_ms)) if self.audit else rest_ms

    def _drop(self, reason):
        self.dropped[reason] += 1

    def count(self, reason):
        """Something that only its role could judge."""
        self._drop(reason)

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
        to_all = msg["d"] == "*"
        if command and (
                to_all and t != "time" and (t != "sw.req" or msg["b"]["on"])
                or not self.auth.verify(raw[:-messages.H_TAIL], msg["h"], msg["d"])):
            return self._drop(UNAUTHENTIC)      # to all goes an opening, and the time
        seen = self._seen.get(src)
        if seen is None:
            seen = [-1, self.auth.floor(src), [], self.auth.floor("*" + src)]
            # an invented sender costs no memory where keys tell who is one
            if command or relay or senders is not None or not self.auth.strict:
                if len(self._seen) >= _SENDERS:
                    return self._drop(FOREIGN)
                self._seen[src] = seen
        if t == "hello" and msg["b"]["boot"] != seen[0]:
            if seen[0] >= 0:
                self.above()
            seen[0] = msg["b"]["boot"]      # restarted: its numbers begin anew
            seen[2] = []
        if msg["n"] in seen[2]:
            return self._drop(DOUBLED)
        if t in messages.REQUESTS:
            utc_ms = self._sync.utc_ms(now_ms)
            age_ms = utc_ms - msg["ts"]
            if age_ms > TTL_MS or age_ms < -_FUTURE_MS or command and (
                    utc_ms > msg["x"]
                    or self.auth.strict and not self._sync.synchronised(now_ms)):
                return self._drop(STALE)
        if command and t != "time":
            # broadcasts have a counter of their own: whoever has the group's key could raise it
            place = 3 if to_all else 1
            if msg["k"] <= seen[place]:
                return self._drop(REPLAYED)
            self.auth.reserve("*" + src if to_all else src, msg["k"])
            if self.auth.unsaved and self.may_write():
                self.auth.save()
            if self.auth.unsaved:
                return self._drop(UNKEPT)
            seen[place] = msg["k"]
            if self.audit and messages.qos(t):      # not what reclosers tell each other
                self.audit.ordered(now_ms, utc_ms, msg)
        elif command and not to_all:        # in good time, before a command comes
            self.auth.reserve(src, msg["k"])
            self.auth.reserve("*" + src, msg["k"])
        seen[2].append(msg["n"])
        if len(seen[2]) > _SEEN:
            del seen[2][0]
        return msg
