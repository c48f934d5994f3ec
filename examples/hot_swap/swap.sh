#!/bin/sh
# Lets the pipeline of this folder, which runs, use other code, and takes it back.
set -eu
plugins=$(realpath "${PLUGINS:-../../target/plugins}")
tidemill=${TIDEMILL:-../../target/release/tidemill}
"$tidemill" swap score="$plugins/max.wasm"
"$tidemill" status
"$tidemill" rollback score
"$tidemill" history
