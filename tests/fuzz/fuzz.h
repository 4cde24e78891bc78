/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fuzz target is, for libFuzzer, AFL++ and tests/fuzz/main.c alike. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * A text in which each byte of the input stands for a word of the parser's, or,
 * from 0xe0 on, for itself: random bytes alone would hardly get beyond its first
 * check. A zero byte is the first word. With a null at the end; *len is without
 * it. To be freed.
 */
static inline char *
fuzz_words(const uint8_t *data, size_t size, const char *const *words,
	   size_t n_words, size_t *len)
{
	size_t longest = 1, n = 0;

	for (size_t i = 0; i < n_words; i++)
		if (strlen(words[i]) > longest)
			longest = strlen(words[i]);

	char *text = (char *)malloc(size * longest + 1);

	if (!text)
		abort();
	for (size_t i = 0; i < size; i++) {
		const char *word = words[data[i] % n_words];

		if (data[i] >= 0xe0) {
			text[n++] = (char)data[i];
			continue;
		}
		memcpy(text + n, word, strlen(word));
		n += strlen(word);
	}
	text[n] = '\0';
	*len = n;
	return text;
}

#endif
