#!/bin/sh
# Ops, modules, optimisers and models as adapters of other classes compute them; arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."
npm run -s shaders
for kernels in gpu portable; do
  WEFT_ALL_CASES=yes WEFT_KERNELS=$kernels npx vitest run --project gpu test/ops test/nn test/optim test/models "$@"
done
