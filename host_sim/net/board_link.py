"""The board's own MQTT link on this computer: acu/drivers over CPython's sockets.

It needs umqtt.simple, which host_sim/stand_in.py has put on the path. Used by runs over a broker
and by the link study; what the link does is the firmware's business.
"""
import time
from typing import Any

from host_sim.scenario.complaints import InputError


class RealClock:
    """The clock that a link wants, by this computer's own."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now_ms(self) -> int:
        return int((time.monotonic() - self._began) * 1000)

    def utc_ms(self) -> int:
        return int(time.time() * 1000)

    def set_utc(self, utc_ms: int) -> bool:
        return True


def drivers() -> tuple[Any, Any, Any]:
    """The modules mqtt_link, stream and tls of the board."""
    try:
        from acu.drivers import mqtt_link, stream, tls
    except ImportError:
        raise InputError(["E430 umqtt.simple: is not here. Run `make setup`, or set SLVG_UMQTT to "
                          "the folder that has umqtt/simple.py."]) from None
    return mqtt_link, stream, tls


def link(host: str, port: int, me: str, user: str | None = None, password: str | None = None,
         ca_der: bytes = b"", name: str = "", will: tuple | None = None,
         clean: bool = True) -> Any:
    """A MqttLink; ca_der: with TLS, name: whom the broker's certificate is for."""
    mqtt_link, stream, tls = drivers()
    clock = RealClock()
    over = tls.Tls(clock, ca_der, name or host) if ca_der else None
    return mqtt_link.MqttLink(clock, stream.Stream(host, port, over), me, user, password, will,
                              clean=clean)


def gateway(lan: Any, man: Any) -> Any:
    """Both as one, for a Coordinator."""
    from acu.drivers.links import Links
    return Links(lan, man)


def parts(one: Any) -> tuple:
    """The links of one, which may be one."""
    return getattr(one, "links", None) or (one,)


def close(one: Any) -> None:
    """The power of its controller goes: no farewell, so the broker sends its last will."""
    for link_ in parts(one):
        link_._stream.close()
