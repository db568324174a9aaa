"""MicroPython's `tls` module for CPython, as far as firmware/acu/drivers/tls.py uses it.

Certificates and keys come as DER in memory, which CPython's ssl takes for authorities only.
"""
import base64
import ssl
import tempfile
from pathlib import Path

PROTOCOL_TLS_CLIENT = ssl.PROTOCOL_TLS_CLIENT
CERT_REQUIRED = ssl.CERT_REQUIRED


def _pem(kind: str, der: bytes) -> str:
    lines = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind}-----\n{lines}-----END {kind}-----\n"


class SSLContext(ssl.SSLContext):
    def load_verify_locations(self, cadata):  # type: ignore[override]
        super().load_verify_locations(cadata=cadata)

    def load_cert_chain(self, cert, key):  # type: ignore[override]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "both.pem"
            file.touch(mode=0o600)
            kind = "PRIVATE KEY" if b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01" in key[:32] else \
                "EC PRIVATE KEY"
            file.write_text(_pem("CERTIFICATE", cert) + _pem(kind, key))
            super().load_cert_chain(file)
