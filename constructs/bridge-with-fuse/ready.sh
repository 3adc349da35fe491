#!/bin/sh
# Lighthouse answers /status with 200 whether it works or not: only what it says means anything.
curl --fail --silent --max-time 2 http://127.0.0.1:@PORT@/status | grep -q '"status": *"operational"'
