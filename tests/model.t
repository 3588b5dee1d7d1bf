#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The rings under the C++11 memory model, and that what is weakened there is found: tests/model.
set -uo pipefail
exec "${XSKIT_BUILD:-$(dirname "$0")/../build}/tests/model/models" "$@"
