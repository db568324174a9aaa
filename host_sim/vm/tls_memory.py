"""Inside the MicroPython VM: what mbedtls takes of memory. tls_memory.py CA CRT KEY (files, DER).

It takes it from libc's heap there, from MicroPython's own on an RP2040. libc tells on stderr how
much is in use: before a context, and with the authority, our certificate and its key in it.
"""
import sys

import ffi
import tls

stats = ffi.open("libc.so.6").func("v", "malloc_stats", "")
files = []
for path in sys.argv[1:]:
    with open(path, "rb") as f:
        files.append(f.read())
stats()
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(files[0])
context.load_cert_chain(files[1], files[2])
stats()
