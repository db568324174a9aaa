"""Two links as one Link door: MAN for its topics, LAN for all others (a Coordinator with two
brokers). Which of them is up is said by `links`; `up` is true if one is, and publish() takes
nothing for one that is down. Numbers of publications are made different: 2n of LAN, 2n + 1 of MAN.
"""
from acu.drivers.mqtt_link import C_NONE


class Links:
    trusted = False

    def __init__(self, lan, man):
        self.links = (lan, man)
        self.acks = []

    @property
    def up(self):
        return self.links[0].up or self.links[1].up

    @property
    def session(self):
        return self.links[0].session + self.links[1].session

    @property
    def cause(self):
        for link in self.links:
            if not link.up:
                return link.cause
        return C_NONE

    def _of(self, topic):
        return 1 if topic[:11] == "slvg/1/man/" else 0

    def subscribe(self, topic_filter):
        self.links[self._of(topic_filter)].subscribe(topic_filter)

    def publish(self, topic, payload, qos, retain):
        k = self._of(topic)
        n = self.links[k].publish(topic, payload, qos, retain)
        return 2 * n + k if n > 1 else n

    def poll(self, on_message):
        for k in range(2):
            link = self.links[k]
            link.poll(on_message)
            while link.acks:
                self.acks.append(2 * link.acks.pop(0) + k)
