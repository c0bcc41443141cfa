#!/bin/bash
# Readiness: exit 0 if TorchServe's management API on 127.0.0.1:MANAGEMENT_PORT reports a READY worker for every MODEL and each
# further PORT accepts a connection, else 1 and a sentence. TorchServe's own /ping is healthy while models still load.
# Bash builtins only: it runs every second.
# Usage: ready.sh MANAGEMENT_PORT[,PORT...] MODEL [MODEL...]
if (($# < 2)); then
  echo "ready: give a port and at least one model name: ready.sh MANAGEMENT_PORT[,PORT...] MODEL [MODEL...]"
  exit 2
fi
exec 2>/dev/null # what bash itself says of a refused or reset connection; our sentences are on stdout
trap '' PIPE
port=${1%%,*} further=${1#"${1%%,*}"}
for model in "${@:2}"; do
  if ! exec 3<>"/dev/tcp/127.0.0.1/$port"; then
    echo "ready: model $model: the management API does not listen on 127.0.0.1:$port yet"
    exit 1
  fi
  printf 'GET /models/%s HTTP/1.0\r\n\r\n' "$model" >&3
  # Nearly as long as the probe may take: to give up on an answer that still comes resets the connection, too.
  state='does not answer' ready='' length=0
  while IFS= read -r -t 4 -u 3 line && [[ $line != $'\r' ]]; do
    case $line in
      HTTP/*' 404 '*) state='is not registered' ;;
      HTTP/*) state='has no worker that is READY' ;;
      [Cc]ontent-[Ll]ength:*) length=${line//[!0-9]/} ;;
    esac
  done
  # The whole body, to the last byte: closing with some of it unread resets the connection, and TorchServe logs an ERROR.
  LC_ALL=C IFS= read -r -t 4 -N "$length" -u 3 body
  [[ $body =~ \"status\":\ *\"READY\" ]] && ready=1
  exec 3>&-
  if [[ ! $ready ]]; then
    echo "ready: model $model $state"
    exit 1
  fi
done
for port in ${further//,/ }; do
  if ! exec 3<>"/dev/tcp/127.0.0.1/$port"; then
    echo "ready: nothing listens on 127.0.0.1:$port yet"
    exit 1
  fi
  exec 3>&-
done
