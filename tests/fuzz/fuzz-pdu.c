/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers, AHS, binary constants and LUNs: what is read can be written, and
 * reads the same again. */
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "fuzz.h"
#include "wire/ahs.h"
#include "wire/lun.h"
#include "wire/print.h"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
fuzz_header(const uint8_t bhs[BHS_LEN])
{
	uint8_t out[BHS_LEN], out2[BHS_LEN];
	char line[256], text[LUN_TEXT_MAX];
	struct pdu pdu, pdu2;
	uint64_t lun;

	int r = pdu_decode(&pdu, bhs, NULL);
	pdu_print(&pdu, line, bhs[0] + 1u < sizeof(line) ? bhs[0] + 1u : 1);
	must(lun_parse(&lun, lun_print(pdu.lun, text), NULL) == 0);
	must(lun == pdu.lun);
	if (r < 0)
		return;
	pdu_encode(&pdu, out);
	must(pdu_decode(&pdu2, out, NULL) == 0);
	pdu_encode(&pdu2, out2);
	must(memcmp(out, out2, BHS_LEN) == 0);
}

static void
fuzz_ahs(const uint8_t *p, size_t len)
{
	uint8_t out[AHS_ENCODED_MAX];
	struct ahs ahs, again;

	if (ahs_decode(&ahs, p, len, NULL) < 0)
		return;
	size_t n = ahs_encode(&ahs, out);
	must(ahs_decode(&again, out, n, NULL) == 0);
	must(again.extended_cdb_len == ahs.extended_cdb_len);
	must(memcmp(again.extended_cdb, ahs.extended_cdb,
		    ahs.extended_cdb_len) == 0);
	must(again.has_bidi_read_length == ahs.has_bidi_read_length);
	must(again.bidi_read_length == ahs.bidi_read_length);
}

static void
fuzz_text(const uint8_t *p, size_t len)
{
	char text[256], hex[2 + HEX_LEN(100)] = "0x";
	uint8_t value[100], again[100];
	size_t n, n2;
	uint64_t lun;

	len = len < sizeof(text) - 1 ? len : sizeof(text) - 1;
	memcpy(text, p, len);
	text[len] = '\0';
	(void)lun_parse(&lun, text, NULL);
	if (binary_decode(value, sizeof(value), &n, text, NULL) < 0)
		return;
	hex_encode(hex + 2, value, n);
	must(binary_decode(again, sizeof(again), &n2, hex, NULL) == 0);
	must(n2 == n && memcmp(again, value, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_text(data, size);
	if (size < BHS_LEN)
		return 0;
	fuzz_header(data);
	fuzz_ahs(data + BHS_LEN, size - BHS_LEN);
	return 0;
}
