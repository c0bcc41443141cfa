#!/bin/bash
# Liveness: exit 0 if on 127.0.0.1 every PORT/PATH answers a GET with something else than a server's error, else 1 and a
# sentence. Bash builtins only: it runs every ten seconds.
# Usage: alive.sh PORT/PATH [PORT/PATH...]
if (($# < 1)); then
  echo "alive: give at least one address: alive.sh PORT/PATH [PORT/PATH...]"
  exit 2
fi
exec 2>/dev/null # what bash itself says of a refused or reset connection; our sentences are on stdout
trap '' PIPE
for address in "$@"; do
  if ! exec 3<>"/dev/tcp/127.0.0.1/${address%%/*}"; then
    echo "alive: 127.0.0.1:$address does not listen"
    exit 1
  fi
  printf 'GET /%s HTTP/1.0\r\n\r\n' "${address#*/}" >&3
  status='' length=0
  while IFS= read -r -t 2 -u 3 line && [[ $line != $'\r' ]]; do
    status=${status:-${line%$'\r'}}
    [[ $line == [Cc]ontent-[Ll]ength:* ]] && length=${line//[!0-9]/}
  done
  # The whole body, to the last byte: closing with some of it unread resets the connection, and TorchServe logs an ERROR.
  LC_ALL=C IFS= read -r -t 2 -N "$length" -u 3 _
  exec 3>&-
  if [[ $status != HTTP/*' '[1-4]* ]]; then
    echo "alive: 127.0.0.1:$address answers ${status:-nothing}"
    exit 1
  fi
done
