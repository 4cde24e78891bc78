/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fuzz target is, for libFuzzer, AFL++ and tests/fuzz/main.c alike. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
