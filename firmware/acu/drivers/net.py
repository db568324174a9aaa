"""The network of one board: Wi-Fi, links, NTP, as its record `keys.net` says (slvg keys).

fit() is called once by the start, then the module is dropped. The record is a byte 1 and JSON:
"wifi" {ssid, password, country}; "lan" and, of a Coordinator for whom that is another broker,
"man" {host, port, name, tls, user, password}; "ntp" a host; "t0_s" when the keys were made. Beside
it lie `keys.ca`, `keys.crt` and `keys.key`, DER. Without the record there is no network. With one
that is of no use there is none either, and the link's complaint says why: the board goes on
protecting what it protects.
"""
import gc
import json
import struct

from acu.drivers.netwatch import NetWatch
from acu.primitives.recording import Record


def fit(ports, cfg, board):
    """Puts ports.link, and ports.nets where there is a record."""
    record = Record(ports.store, "keys.net")
    body = record.load()
    if body is None and not record.damaged:
        return
    ports.nets = watch = NetWatch(ports.clock)
    watch.feed = ports.watchdog.feed
    try:
        net = None
        if body and body[0] == 1 and body[-1:] == b"}":
            net = json.loads(body[1:])
        if not isinstance(net, dict) or not isinstance(net.get("lan"), dict):
            raise ValueError("E432 net: the record is damaged or of another firmware. "
                             "Provision it anew: slvg flash --keys")
        ports.link = _links(ports, watch, net, cfg, board["mcu"])
        ports.link.wifi = watch.wifi
        watch.links = getattr(ports.link, "links", None) or (ports.link,)
    except ImportError as e:
        watch.complaint = ("E430 net: this firmware has no %s. Build it where `make setup` could "
                           "fetch umqtt.simple, for a board with a radio." % e)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as e:
        text = str(e)
        watch.complaint = text if text[:2] == "E4" else (
            "E433 net: %s %s. Provision it anew: slvg flash --keys" % (type(e).__name__, text))
    except MemoryError:
        watch.complaint = ("E434 net: no memory left for it beside this role. Leave out records "
                           "of samples (cap_n 0), or take a larger board.")
    ports.link.complaint = watch.complaint
    gc.collect()


def _links(ports, watch, net, cfg, mcu):
    lan = net["lan"]
    man = net.get("man") or lan
    two = (man["host"], man["port"]) != (lan["host"], lan["port"])
    if two and mcu == "rp2040":
        raise ValueError("E431 net: two brokers, LAN and MAN, and memory for one link. Take an "
                         "ESP32 or larger board, or one broker for both.")
    from acu.drivers.mqtt_link import MqttLink
    from acu.drivers.stream import Stream
    wifi = net.get("wifi")
    if wifi:
        from acu.drivers.wifi import Wifi
        watch.wifi = wifi = Wifi(wifi["ssid"], wifi["password"], wifi["country"], cfg["id"],
                                 mcu == "rp2040")

    def link(at, will=None):
        user = at.get("user") or None
        tls = _tls(ports, at, net) if at["tls"] else None
        return MqttLink(ports.clock, Stream(at["host"], at["port"], tls, watch.block),
                        user or cfg["id"], user, at["password"], will, 30, wifi,
                        cfg["role"] not in ("coordinator", "subcoordinator"))
    will = None
    if cfg["role"] == "coordinator":
        boots = Record(ports.store, "boot").load()
        boots = struct.unpack("<I", boots[:4])[0] + 1 if boots else 1
        will = ("slvg/1/man/%s/st" % cfg["sc"], "0 %d" % boots, "1 %d " % boots + "%d")
        if net.get("ntp"):
            from acu.drivers.ntp import Ntp
            watch.ntp = Ntp(ports.clock, net["ntp"], watch.block)
    if not two:
        return link(lan, will)
    from acu.drivers.links import Links
    return Links(link(lan), link(man, will))


def _tls(ports, at, net):
    from acu.drivers.tls import Tls
    read = ports.store.read
    ca = read("keys.ca")
    if not ca:
        raise ValueError("E435 net: keys.ca, the authority's certificate, is missing. "
                         "Provision it anew: slvg flash --keys")
    try:
        return Tls(ports.clock, ca, at.get("name") or at["host"], read("keys.crt") or b"",
                   read("keys.key") or b"", net.get("t0_s", 0))
    except (ValueError, OSError) as e:
        raise ValueError("E435 net: keys.ca, keys.crt or keys.key is no good (%s). Provision "
                         "them anew: slvg flash --keys" % e) from None
