"""ISF-1, store and forward: what waits for the network.

Live messages first. What the link has taken but the broker not yet confirmed stays here; a broken
connection makes it due again, so that the receiver may get it twice and tells by its number. While
a net is down, events and energy go from RAM into the store (spool.py), kept over a restart;
afterwards they follow, oldest first, one a second. Commands are never stored, and dropped when
their time is over. What cannot be kept is counted. Never waits, decides nothing.
"""
from micropython import const

from acu import forget
from acu.ports import FOREVER_MS

_RAM = const(24)            # messages; a page is half a kilobyte
_SPOOL = const(12)          # so many in RAM, or the oldest waits so long: into the store
_SPOOL_MS = const(10_000)
_EACH_MS = const(1_000)     # between two messages from the store
_AGAIN_MS = const(60_000)
SEGMENTS = const(16)        # of the store's part, files out0 .. out15
_STORED = ("evt", "outage", "restore", "pq", "ub.res", "log.dat", "tele")

# of an entry
_TOPIC = const(0)
_RAW = const(1)
_RETAIN = const(2)
_TICKET = const(3)          # 0: not sent; else the link's number
_AT_MS = const(4)
_UNTIL_MS = const(5)        # 0: no matter when


def _kind(topic):
    return topic[topic.rfind("/") + 1:]


class Outbox:
    def __init__(self, link, store):
        self._link = link
        self._store = store
        self.live = []
        self._session = link.session
        self._discarded = 0
        self._spool = None
        self._old_ms = -_EACH_MS    # when one of the store was sent
        self._held_ms = 0           # until then the store, which did not take it, is left alone
        for k in range(SEGMENTS):
            if store.size("out%d" % k) >= 0:
                self._open()
                break

    def _open(self):
        """The store's part is in memory while it has something."""
        if self._spool is None:
            from acu.primitives.spool import Spool
            self._spool = Spool(self._store)
        return self._spool

    def _close(self):
        if self._spool and not self._spool.segments:
            self._discarded += self._spool.discarded
            self._spool = None
            forget("acu.primitives.spool")

    @property
    def discarded(self):
        """Messages lost for want of room."""
        return self._discarded + (self._spool.discarded if self._spool else 0)

    def stored(self):
        """Segments in the store."""
        return len(self._spool.segments) if self._spool else 0

    def unsent(self):
        return sum([one[_TICKET] == 0 for one in self.live])

    def put(self, now_ms, topic, raw, retain, until_ms=0):
        """QoS 1, at once if nothing of its net waits: what arrives late would be taken for a
        replay."""
        ticket = 0
        self._renew()
        if not self._blocked(topic):
            ticket = self._link.publish(topic, raw, 1, retain)
            if ticket == 1:
                return
        if len(self.live) >= _RAM:
            self._give_up()
        self.live.append([topic, raw, retain, ticket, now_ms, until_ms])

    def _blocked(self, topic):
        """Does one of the same net wait?"""
        net = topic[:11]
        for one in self.live:
            if not one[_TICKET] and one[_TOPIC][:11] == net:
                return True
        return False

    def _give_up(self):
        """Room for one: what repeats itself goes first, an outage is said once."""
        at = 0
        for k in range(len(self.live)):
            if _kind(self.live[k][_TOPIC]) == "tele":
                at = k
                break
        del self.live[at]
        self._discarded += 1

    def slow(self, now_ms, may_write):
        link = self._link
        self._renew()
        while link.acks:
            self._confirmed(link.acks.pop(0))
        if self.live:
            self._send(now_ms)
        if self._spool:
            if link.up and not self.live and now_ms - self._old_ms >= _EACH_MS:
                self._old_ms = now_ms
                if self._spool.segments:
                    self._spool.send(link)
                self._close()
        if may_write and self._spool_ms(now_ms) <= 0:
            self._keep(now_ms)

    def _renew(self):
        """What was under way on a connection that is gone may be lost."""
        if self._link.session != self._session or not self._link.up:
            self._session = self._link.session
            for one in self.live:
                one[_TICKET] = 0
            if self._spool:
                self._spool.old = min(self._spool.old, 0)

    def _confirmed(self, ticket):
        if self._spool and ticket == self._spool.old:
            self._spool.old = -1
            return
        for k in range(len(self.live)):
            if self.live[k][_TICKET] == ticket:
                del self.live[k]
                return

    def _send(self, now_ms):
        """The oldest of each net that takes it, two a pass."""
        shut = []
        left = 2
        k = 0
        while k < len(self.live) and left:
            one = self.live[k]
            if one[_TICKET]:
                k += 1
                continue
            if one[_UNTIL_MS] and now_ms > one[_UNTIL_MS]:
                del self.live[k]            # a command; who gave it hears no answer
                self._discarded += 1
                continue
            net = one[_TOPIC][:11]
            ticket = 0
            if net not in shut:
                ticket = self._link.publish(one[_TOPIC], one[_RAW], 1, one[_RETAIN])
            if not ticket:
                shut.append(net)
                k += 1
                continue
            left -= 1
            if ticket == 1:
                del self.live[k]
            else:
                one[_TICKET] = ticket
                k += 1

    def _stays(self, one):
        return one[_TICKET] or _kind(one[_TOPIC]) not in _STORED

    def _spool_ms(self, now_ms):
        """How long until what waits should be stored."""
        waits = 0
        oldest_ms = now_ms
        for one in self.live:
            if not self._stays(one):
                waits += 1
                oldest_ms = min(oldest_ms, one[_AT_MS])
        if not waits:
            return FOREVER_MS
        # a net that is up takes two a pass
        due_ms = oldest_ms + (_EACH_MS if waits >= _SPOOL else _SPOOL_MS)
        return max(due_ms, self._held_ms) - now_ms

    def _keep(self, now_ms):
        """Into the store; what it does not take stays in RAM."""
        go = [one for one in self.live if not self._stays(one)]
        if self._open().keep(now_ms, [(_kind(one[_TOPIC]), one[_TOPIC], one[_RAW]) for one in go]):
            self.live = [one for one in self.live if self._stays(one)]
        else:
            self._held_ms = now_ms + _AGAIN_MS
        self._close()

    # -- rest

    def waiting(self):
        """Something could go, or is to be confirmed."""
        if not self._link.up:
            return False
        return bool(self.live or self._link.acks)

    def rest_ms(self, now_ms):
        """Until slow() has something to do while the link stays as it is."""
        rest_ms = self._spool_ms(now_ms)
        if self._spool and self._link.up:
            rest_ms = self._old_ms + _EACH_MS - now_ms
        for one in self.live:
            if one[_UNTIL_MS] and not one[_TICKET]:
                rest_ms = min(rest_ms, one[_UNTIL_MS] + 1 - now_ms)
        return max(0, rest_ms)
