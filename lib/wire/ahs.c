/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Additional header segments, RFC 7143 11.2.2. A segment is AHSLength (2
 * bytes: what follows AHSType, without padding), AHSType, a byte that is
 * reserved in both types that exist, and the rest, padded to 4.
 */
#include "wire/ahs.h"

#include <assert.h>

#include "base/bytes.h"
#include "base/error.h"

enum { SEGMENT_HEAD = 4, AHS_TYPE_MASK = 0x3f };

size_t
ahs_encode(const struct ahs *ahs, uint8_t buf[AHS_ENCODED_MAX])
{
	uint8_t *p = buf;

	assert(ahs->extended_cdb_len <= sizeof(ahs->extended_cdb));
	if (ahs->extended_cdb_len > 0) {	/* 11.2.2.3 */
		size_t len = ahs->extended_cdb_len;

		put16(p, (uint16_t)(len + 1));
		p[2] = AHS_EXTENDED_CDB;
		p[3] = 0;
		memcpy(p + SEGMENT_HEAD, ahs->extended_cdb, len);
		memset(p + SEGMENT_HEAD + len, 0, pad4(len));
		p += SEGMENT_HEAD + len + pad4(len);
	}
	if (ahs->has_bidi_read_length) {	/* 11.2.2.4 */
		put16(p, 5);
		p[2] = AHS_BIDI_READ_LENGTH;
		p[3] = 0;
		put32(p + SEGMENT_HEAD, ahs->bidi_read_length);
		p += SEGMENT_HEAD + 4;
	}
	assert(p - buf <= AHS_ENCODED_MAX);
	return (size_t)(p - buf);
}

/* value: what follows the reserved byte. */
static int
decode_segment(struct ahs *ahs, uint8_t type, const uint8_t *value, size_t len,
	       struct lun_error *err)
{
	switch (type) {
	case AHS_EXTENDED_CDB:
		if (len == 0 || len > sizeof(ahs->extended_cdb))
			return lun_fail(err, LUN_EPROTO, "AHS: an extended CDB "
					"of 16 + %zu bytes", len);
		if (ahs->extended_cdb_len > 0)
			return lun_fail(err, LUN_EPROTO,
					"AHS: two extended CDBs");
		memcpy(ahs->extended_cdb, value, len);
		ahs->extended_cdb_len = (uint16_t)len;
		return 0;
	case AHS_BIDI_READ_LENGTH:
		if (len != 4)
			return lun_fail(err, LUN_EPROTO, "AHS: a bidirectional "
					"read length of %zu bytes", len);
		if (ahs->has_bidi_read_length)
			return lun_fail(err, LUN_EPROTO, "AHS: two "
					"bidirectional read lengths");
		ahs->bidi_read_length = get32(value);
		ahs->has_bidi_read_length = true;
		return 0;
	default:
		return 0;
	}
}

int
ahs_decode(struct ahs *ahs, const uint8_t *buf, size_t len,
	   struct lun_error *err)
{
	struct ahs out = { 0 };

	while (len > 0) {
		if (len < SEGMENT_HEAD)
			return lun_fail(err, LUN_EPROTO, "AHS: %zu bytes left "
					"over", len);
		/* AHSLength counts from byte 3, which both types reserve */
		size_t ahs_length = get16(buf);
		size_t whole = 3 + ahs_length + pad4(3 + ahs_length);

		if (ahs_length == 0 || whole > len)
			return lun_fail(err, LUN_EPROTO, "AHS: AHSLength %zu, "
					"%zu bytes are there", ahs_length, len);
		int r = decode_segment(&out, buf[2] & AHS_TYPE_MASK,
				       buf + SEGMENT_HEAD, ahs_length - 1, err);
		if (r < 0)
			return r;
		buf += whole;
		len -= whole;
	}
	*ahs = out;
	return 0;
}
