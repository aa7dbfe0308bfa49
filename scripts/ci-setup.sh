#!/usr/bin/env bash
# What the tests need from a bare Debian or Ubuntu beyond Node >= 20 and npm. Nothing yet that the system lacks:
# it checks, and says what is missing.
set -euo pipefail

for program in node npm git; do
  command -v "$program" >/dev/null || { echo "ci-setup: $program is missing; install it first." >&2; exit 1; }
done
node -e 'if (Number(process.versions.node.split(".")[0]) < 20) { console.error("ci-setup: Node >= 20 is needed."); process.exit(1) }'
