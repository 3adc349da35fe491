#!/bin/sh
# Starts HAProxy with the password of its checks, which neither the ConfigMap nor the environment may hold.
set -eu
umask 077
printf 'global\n  setenv PROBE_PASSWORD %s\n' "$(head -n 1 /secrets/probe)" >/run/haproxy/password.cfg
cat /tls/tls.crt >/run/haproxy/served.crt
exec haproxy -db -f /run/haproxy/password.cfg -f /config/haproxy.cfg
