#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The fuzzers: FUZZ_SECONDS for the rings, as many for the others together.
cd "$(dirname "$0")/.." && exec tests/fuzz/run.sh "${FUZZ_SECONDS:-20}" "${XSKIT_BUILD:-build}"
