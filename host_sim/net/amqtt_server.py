"""The broker in Python (amqtt) as a process of its own: `python -m host_sim.net.amqtt_server JOB`.

JOB is a JSON file: ports, files of certificate and key, password file and access list as
mosquitto has them. It ends when its standard input does, so that it never outlives who started
it. Names, passwords and the access list are judged by the plugins below, through amqtt's own
interface. What mosquitto does besides, it does not: limits of length and number, and an identity's
own client id (here whoever may connect can throw another out by his). For trials, not for a post.
"""
import asyncio
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from amqtt.broker import Broker
from amqtt.contexts import Action
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin

from host_sim.net import access, mosquitto

_HERE = "host_sim.net.amqtt_server"


class Named(BaseAuthPlugin):
    """Who has a line in the password file, with its password."""

    @dataclass
    class Config:
        file: str = ""
        acl: str = ""

    def __init__(self, context):
        super().__init__(context)
        text = Path(self.config.file).read_text(encoding="utf-8")
        self._kept = dict(line.split(":", 1) for line in text.splitlines() if line)
        self._rules = access.read(Path(self.config.acl).read_text(encoding="utf-8"))

    async def authenticate(self, *, session) -> bool:
        kept = self._kept.get(session.username or "")
        if not kept or not mosquitto.matches(session.password or "", kept):
            return False
        # amqtt asks nobody about a last will
        will = session.will_topic if session.will_flag else None
        return not will or access.allows(self._rules, session.username, "write", will)


class Listed(BaseTopicPlugin):
    """What the access list allows. A subscription to more than that is refused as a whole."""

    @dataclass
    class Config:
        file: str = ""

    def __init__(self, context):
        super().__init__(context)
        self._rules = access.read(Path(self.config.file).read_text(encoding="utf-8"))

    async def topic_filtering(self, *, session=None, topic=None, action=None) -> bool:
        way = "write" if action == Action.PUBLISH else "read"
        return access.allows(self._rules, (session and session.username) or "", way, topic or "")


def settings(job: dict) -> dict:
    """The job as amqtt's configuration."""
    secure = {"ssl": True, "certfile": job["crt"], "keyfile": job["key"]} if job["crt"] else {}
    listeners: dict = {"default": {"type": "tcp", "bind": f"127.0.0.1:{job['plain']}"}}
    if job["tls"]:
        listeners["tls"] = {"type": "tcp", "bind": f"127.0.0.1:{job['tls']}"} | secure
    if job["websockets"]:
        listeners["ws"] = {"type": "ws", "bind": f"127.0.0.1:{job['websockets']}"} | secure
    plugins: dict = {}
    if job["passwords"]:
        plugins[f"{_HERE}.Named"] = {"file": job["passwords"], "acl": job["acl"]}
    else:
        plugins["amqtt.plugins.authentication.AnonymousAuthPlugin"] = {"allow_anonymous": True}
    if job["acl"]:
        plugins[f"{_HERE}.Listed"] = {"file": job["acl"]}
    return {"listeners": listeners, "plugins": plugins}


async def serve(job: dict) -> None:
    broker = Broker(settings(job))
    await broker.start()
    try:
        await asyncio.to_thread(sys.stdin.buffer.read)
    finally:
        await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
