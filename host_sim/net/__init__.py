"""The nets outside the controllers: brokers, keys and certificates, access lists, and what goes
wrong between them. CPython only; the firmware knows nothing of it."""
