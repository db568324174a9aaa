"""What was wrong with a broker's certificate, by the words of mbedtls (on boards) or of OpenSSL
(on CPython). Loaded when a handshake has failed, then dropped.
"""
from acu.drivers.mqtt_link import C_TLS_CA, C_TLS_NAME, C_TLS_OTHER, C_TLS_TIME

# a wrong authority counts before a date or a name
_SAID = (("trusted CA", C_TLS_CA), ("issuer", C_TLS_CA), ("self-signed", C_TLS_CA),
         ("self signed", C_TLS_CA), ("expired", C_TLS_TIME), ("in the future", C_TLS_TIME),
         ("not yet valid", C_TLS_TIME), ("expected CN", C_TLS_NAME), ("ismatch", C_TLS_NAME))


def of(error):
    text = str(error)
    for words, cause in _SAID:
        if words in text:
            return cause
    return C_TLS_OTHER
