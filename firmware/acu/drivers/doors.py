"""The doors of one board as one object, for app.build() and the main loop; fit.py fills it."""
from acu import forget


class NullLink:
    """No network: always down. complaint: why, where there should be one."""

    up = trusted = False
    session = cause = 0
    complaint = ""

    def __init__(self):
        self.acks = []

    def publish(self, topic, payload, qos, retain):
        return 0

    def subscribe(self, topic_filter):
        pass

    def poll(self, on_message):
        pass


class Ports:
    """measuring is there only where the converter tells readings instead of frames."""

    def __init__(self):
        self.clock = self.store = self.terminal = self.unique_id = None
        self.sampler = self.switchgear = self.link = self.watchdog = None
        self.readings = False       # the sampler has to be polled
        self.nets = None            # the watch over a network, netwatch.NetWatch
        self.cause = 0
        self._failed = self._test_ms = 0

    def poll(self, now_ms):
        """Once in each slow pass."""
        self.switchgear.poll(now_ms)
        if self.readings:
            self.sampler.poll(now_ms)

    def self_test(self, now_ms):
        """What the roles cannot see, as bits of roles.base T_*; 0: all is well. Judged once a
        second: it takes 30 ms."""
        if now_ms >= self._test_ms:
            from acu.drivers import selftest
            self._failed = selftest.run(self, now_ms)
            forget("acu.drivers.selftest")
            self._test_ms = now_ms + 1000
        return self._failed
