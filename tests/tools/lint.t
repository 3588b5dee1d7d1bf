#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
cd "$(dirname "$0")/../.." && exec tools/lint.sh
