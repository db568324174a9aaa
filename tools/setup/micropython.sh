#!/usr/bin/env bash
# A 32-bit MicroPython (unix port: the boards' word size, an enforced heap, working viper) at DIR/micropython.
# Taken, in this order: $MICROPYTHON, `micropython` on the PATH, Debian's i386 package unpacked under DIR
# from the mirror that this machine is set up with. Changes nothing outside DIR, needs no root.
# Prints the path. Use: tools/setup/micropython.sh DIR
set -euo pipefail
umask 022

want='import sys, micropython
exec("@micropython.viper\ndef f(x: int) -> int:\n    return x + 1")
print("fits", sys.maxsize == 2**31 - 1, f(41))'

fits() { [[ -x ${1:-} && $("$1" -c "$want" 2>/dev/null) == "fits True 42" ]]; }

fail() {
  echo "E401 micropython: $1. The VM ring needs the 32-bit unix port of MicroPython 1.25: set" \
       "MICROPYTHON=/path/to/it, or build it (ports/unix, make MICROPY_FORCE_32BIT=1)." >&2
  exit 2
}

dir=$(mkdir -p "${1:?usage: micropython.sh DIR}" && cd "$1" && pwd)
out=$dir/micropython
if fits "$out"; then echo "$out"; exit 0; fi

if [[ -n ${MICROPYTHON:-} ]] && ! fits "$MICROPYTHON"; then
  fail "\$MICROPYTHON = $MICROPYTHON does not run, is not 32-bit or has no viper"
fi
for have in "${MICROPYTHON:-}" "$(command -v micropython || true)"; do
  if fits "$have"; then
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$have" >"$out"
    chmod +x "$out"
    echo "$out"
    exit 0
  fi
done

for tool in apt-get dpkg-deb; do
  command -v $tool >/dev/null || fail "no $tool here to fetch Debian's package with"
done
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -r $keys ]] || fail "no Debian archive keys here to check the package with"
# The mirror that apt already uses for Debian itself, not for its security updates.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null |
         sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p
                 s/^deb .*\(https\{0,1\}:[^[:space:]]*\)[[:space:]].*/\1/p' |
         grep -E '/debian/?$' | head -n 1 || true)
[[ -n $mirror ]] || fail "no Debian mirror is configured"

# A private apt, so that neither the system's package lists nor its architectures change.
work=$dir/apt
rm -rf "$work" "$dir/tree"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$dir/tree"
echo "deb [signed-by=$keys] $mirror trixie main" >"$work/suite.list"
apt=(apt-get -qq -o APT::Architecture=i386 -o APT::Architectures::=i386 -o "Dir::State=$work"
     -o Dir::State::status=/dev/null -o "Dir::Cache=$work/cache" -o Acquire::Languages=none
     -o "Dir::Etc::sourcelist=$work/suite.list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root
     -o Acquire::Retries=3)
cd "$work"
"${apt[@]}" update >&2 || fail "the Debian mirror could not be read"
"${apt[@]}" download micropython libc6 libffi8 libmbedcrypto16 libmbedtls21 libmbedx509-7 >&2 ||
  fail "the packages could not be fetched"
for package in *.deb; do dpkg-deb -x "$package" "$dir/tree"; done
cd "$dir"
rm -rf "$work"
# DIR may move with the checkout: the wrapper finds its libraries from its own place.
cat >"$out" <<'WRAPPER'
#!/bin/sh
usr=$(dirname "$(readlink -f "$0")")/tree/usr
exec "$usr/lib/ld-linux.so.2" --library-path "$usr/lib/i386-linux-gnu" "$usr/bin/micropython" "$@"
WRAPPER
chmod +x "$out"
fits "$out" || fail "the fetched one does not run here (a 32-bit x86 program)"
echo "$out"
