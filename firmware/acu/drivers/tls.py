"""TLS of one link: who the broker must be, and what was wrong with who answered.

The authority's certificate, ours and our key are DER, as `slvg keys` makes them. The chain, the
name and the dates are always checked. A chip's clock begins in 2021 (RP2040) or 2000 (ESP32), when
no certificate was valid yet: before a handshake it is set to t0_s, the time at which the keys were
made, if it is before that. It is then too slow rather than right, until NTP or a message tells
more; a certificate that began after t0_s is refused until then (C_TLS_TIME).
"""
import tls

from acu import forget


class Tls:
    """name: the broker's certificate is for it. crt, key: ours, or empty."""

    def __init__(self, clock, ca, name, crt=b"", key=b"", t0_s=0):
        self._clock = clock
        self._name = name
        self._t0_ms = 1000 * t0_s
        self._context = context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED
        context.load_verify_locations(ca)
        if crt:
            context.load_cert_chain(crt, key)

    def wrap(self, sock):
        """The handshake is done by the first writes and reads, none of which waits."""
        if self._clock.utc_ms() < self._t0_ms:
            self._clock.set_utc(self._t0_ms)
        return self._context.wrap_socket(sock, server_hostname=self._name,
                                         do_handshake_on_connect=False)

    def blame(self, error):
        """C_* of mqtt_link.py."""
        from acu.drivers import tls_blame
        cause = tls_blame.of(error)
        forget("acu.drivers.tls_blame")
        return cause
