/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block commands (SBC-3 5): those that read, write, compare, unmap or
 * tell about ranges of blocks.
 */
#include <string.h>

#include "t-scsi.h"

/* -------------------------------------------------------------- extents -- */

/* Block address and count of READ, WRITE, VERIFY ... by the CDB's length. */
static void
get_extent(const uint8_t *cdb, uint64_t *lba, uint64_t *n)
{
	switch (cdb[0] >> 5) {
	case 0:					/* 6 bytes */
		*lba = get24(cdb + 1) & 0x1fffff;
		*n = cdb[4] ? cdb[4] : 256;
		return;
	case 4:					/* 16 bytes */
		*lba = get64(cdb + 2);
		*n = get32(cdb + 10);
		return;
	case 5:					/* 12 bytes */
		*lba = get32(cdb + 2);
		*n = get32(cdb + 6);
		return;
	default:				/* 10 bytes */
		*lba = get32(cdb + 2);
		*n = get16(cdb + 7);
		return;
	}
}

/* False: the task has failed. */
static bool
set_extent(struct task *k, uint64_t max_bytes)
{
	const struct tlu *lu = k->lu;
	uint64_t lba, n;

	get_extent(k->cmd.cdb, &lba, &n);
	if (lba > lu->blocks || n > lu->blocks - lba) {
		scsi_fail(k, ILLEGAL, ASC_LBA);
		return false;
	}
	if (n > max_bytes / lu->block_size) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return false;
	}
	/* an empty range beside the medium is none: SBC-3 4.5 */
	if (lba == lu->blocks && n == 0 && lba > 0) {
		scsi_fail(k, ILLEGAL, ASC_LBA);
		return false;
	}
	k->disk_offset = lba * lu->block_size;
	k->disk_len = n * lu->block_size;
	return true;
}

/* RDPROTECT, WRPROTECT, VRPROTECT: there is no protection information. */
static bool
no_protection(struct task *k)
{
	if (k->cmd.cdb[0] >> 5 != 0 && (k->cmd.cdb[1] & 0xe0)) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return false;
	}
	return true;
}

void
start_read(struct task *k)
{
	if (!no_protection(k) || !set_extent(k, TRANSFER_MAX))
		return;
	k->in = disk_at(k->lu->disk, k->disk_offset);
	k->wanted = k->in_len = (uint32_t)k->disk_len;
	if (k->in_len)
		list_append(&k->lu->readers, &k->in_readers);
}

void
start_write(struct task *k)
{
	if (!no_protection(k) || !set_extent(k, TRANSFER_MAX))
		return;
	k->is_write = true;
	k->wanted = (uint32_t)k->disk_len;
}

static void
no_memory(struct task *k)
{
	if (k->conn) {
		conn_end(k->conn, "out of memory");
		return;
	}
	k->in_len = k->in_off = k->acked_off = 0;
	scsi_fail(k, ABORTED, ASC_RESOURCES);
	list_del(&k->in_readers);
}

/*
 * The bytes of a range are about to change: reads that executed before and
 * have not been sent, or not been acknowledged, completely keep what was there.
 */
void
scsi_detach_readers(struct tlu *lu, uint64_t offset, uint64_t len)
{
	struct task *k;

	list_for_each(k, &lu->readers, struct task, in_readers) {
		if (k->disk_offset >= offset + len ||
		    offset >= k->disk_offset + k->disk_len)
			continue;
		if (task_reserve(k, k->in_len) < 0 ||
		    (k->conn && tx_drop(k->conn->tx, k) < 0)) {
			no_memory(k);
			continue;
		}
		memcpy(k->buf + k->acked_off, k->in + k->acked_off,
		       k->in_len - k->acked_off);
		k->in = k->buf;
		list_del(&k->in_readers);
	}
}

static void
flush(struct task *k)
{
	if (disk_flush(k->lu->disk) < 0)
		scsi_fail(k, 0x03, ASC_WRITE_ERROR);
}

static void
flush_if_through(struct task *k)
{
	bool fua = k->cmd.cdb[0] >> 5 != 0 && (k->cmd.cdb[1] & 0x08);

	if (fua || !disk_config(k->lu->disk)->write_cache)
		flush(k);
}

void
execute_write(struct task *k)
{
	uint32_t len = k->out_len - k->out_len % k->lu->block_size;

	if (len) {
		scsi_detach_readers(k->lu, k->disk_offset, len);
		disk_write(k->lu->disk, k->disk_offset, k->buf, len);
	}
	flush_if_through(k);
}

/* BYTCHK in WRITE AND VERIFY and VERIFY; negative: the task has failed. */
static int
get_bytchk(struct task *k, unsigned max)
{
	unsigned bytchk = k->cmd.cdb[1] >> 1 & 3;

	if (bytchk <= max && bytchk != 2)
		return (int)bytchk;
	scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
	return -1;
}

/* On the medium it is what was sent: SBC-3 5.44. */
void
start_write_verify(struct task *k)
{
	if (get_bytchk(k, 1) >= 0)
		start_write(k);
}

void
execute_write_verify(struct task *k)
{
	execute_write(k);
	flush(k);
}

/* ------------------------------------------------------- verify, flush -- */

/* What is there, then what is to be there: SBC-3 5.2. */
void
start_compare_write(struct task *k)
{
	if (!no_protection(k))
		return;
	if (k->cmd.cdb[13] > COMPARE_MAX) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	if (!set_extent(k, TRANSFER_MAX))
		return;
	k->wanted = (uint32_t)(2 * k->disk_len);
	if (k->wanted != (k->cmd.write ? k->cmd.expected_data_transfer_length
				       : 0)) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	k->is_write = k->disk_len > 0;
}

void
execute_compare_write(struct task *k)
{
	const uint8_t *disk = disk_at(k->lu->disk, k->disk_offset);

	for (uint32_t i = 0; i < k->disk_len; i++)
		if (disk[i] != k->buf[i]) {
			scsi_fail(k, MISCOMPARE, ASC_MISCOMPARE);
			k->sense[0] |= 0x80;		/* INFORMATION */
			put32(k->sense + 3, i);
			return;
		}
	scsi_detach_readers(k->lu, k->disk_offset, k->disk_len);
	disk_write(k->lu->disk, k->disk_offset, k->buf + k->disk_len,
		   k->disk_len);
	flush_if_through(k);
}

void
start_verify(struct task *k)
{
	int bytchk = get_bytchk(k, 3);

	if (bytchk < 0 || !no_protection(k))
		return;
	if (!set_extent(k, bytchk == 1 ? TRANSFER_MAX : UINT64_MAX) ||
	    bytchk == 0 || k->disk_len == 0)
		return;
	k->is_write = true;
	k->wanted = bytchk == 1 ? (uint32_t)k->disk_len : k->lu->block_size;
}

void
execute_verify(struct task *k)
{
	const uint8_t *disk = disk_at(k->lu->disk, k->disk_offset);
	uint64_t step = k->out_len;

	for (uint64_t at = 0; step && at + step <= k->disk_len; at += step)
		if (memcmp(disk + at, k->buf, step) != 0) {
			scsi_fail(k, MISCOMPARE, ASC_MISCOMPARE);
			return;
		}
}

void
start_sync(struct task *k)
{
	if (set_extent(k, UINT64_MAX))
		flush(k);
}

/* ---------------------------------------------------- unmap, write same -- */

static void
unmap_range(struct task *k, uint64_t offset, uint64_t len)
{
	if (len == 0)
		return;
	scsi_detach_readers(k->lu, offset, len);
	disk_unmap(k->lu->disk, offset, len);
}

void
start_unmap(struct task *k)
{
	uint32_t len = get16(k->cmd.cdb + 7);

	if (k->cmd.cdb[1] & 1) {		/* ANCHOR */
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	if (len > 0 && len < 8) {
		scsi_fail(k, ILLEGAL, ASC_PARAMETER_LENGTH);
		return;
	}
	k->is_write = true;
	k->wanted = len;
}

static bool
unmap_descriptor_fits(const struct tlu *lu, const uint8_t *d, uint64_t *total)
{
	uint64_t lba = get64(d), n = get32(d + 8);

	*total += n;
	return lba <= lu->blocks && n <= lu->blocks - lba;
}

void
execute_unmap(struct task *k)
{
	const struct tlu *lu = k->lu;
	uint32_t n, bs = lu->block_size;
	uint64_t total = 0;

	if (k->out_len == 0)
		return;
	if (k->out_len < 8) {
		scsi_fail(k, ILLEGAL, ASC_PARAMETER_LENGTH);
		return;
	}
	n = get16(k->buf + 2) / 16;
	if (n > (k->out_len - 8) / 16)
		n = (k->out_len - 8) / 16;
	for (uint32_t i = 0; i < n; i++)	/* all or nothing */
		if (!unmap_descriptor_fits(lu, k->buf + 8 + 16 * i, &total)) {
			scsi_fail(k, ILLEGAL, ASC_LBA);
			return;
		}
	if (n > UNMAP_RANGES_MAX || total > UNMAP_MAX / bs) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_PARAMETER);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *d = k->buf + 8 + 16 * i;

		unmap_range(k, get64(d) * bs, (uint64_t)get32(d + 8) * bs);
	}
}

enum { WS_ANCHOR = 0x10, WS_UNMAP = 0x08, WS_NDOB = 0x01 };

void
start_write_same(struct task *k)
{
	const uint8_t *cdb = k->cmd.cdb;
	bool thin = disk_config(k->lu->disk)->thin;
	bool no_data = cdb[0] == 0x93 && (cdb[1] & WS_NDOB);
	uint32_t expected;

	if (!no_protection(k))
		return;
	if ((cdb[1] & WS_ANCHOR) || ((cdb[1] & WS_UNMAP) && !thin) ||
	    (cdb[0] == 0x41 && (cdb[1] & 0x07))) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	if (!set_extent(k, WRITE_SAME_MAX))
		return;
	if (k->disk_len == 0) {			/* WSNZ */
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	expected = k->cmd.write ? k->cmd.expected_data_transfer_length : 0;
	if (!no_data && expected != k->lu->block_size) {
		scsi_fail(k, ILLEGAL, ASC_INVALID_CDB);
		return;
	}
	k->is_write = true;
	k->wanted = no_data ? 0 : k->lu->block_size;
}

static bool
is_zero(const uint8_t *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

void
execute_write_same(struct task *k)
{
	uint32_t bs = k->lu->block_size;
	bool no_data = k->wanted == 0, zero;

	if (task_reserve(k, bs) < 0) {
		scsi_fail(k, ABORTED, ASC_RESOURCES);
		return;
	}
	if (no_data)
		memset(k->buf, 0, bs);
	zero = is_zero(k->buf, bs);
	/* unmapped blocks read as zeros, so only zeros may become that */
	if ((k->cmd.cdb[1] & WS_UNMAP) && zero) {
		unmap_range(k, k->disk_offset, k->disk_len);
		return;
	}
	scsi_detach_readers(k->lu, k->disk_offset, k->disk_len);
	disk_fill(k->lu->disk, k->disk_offset, k->buf, k->disk_len / bs);
	flush_if_through(k);
}

/* ----------------------------------------------------------- LBA status -- */

void
start_lba_status(struct task *k)
{
	const uint8_t *cdb = k->cmd.cdb;
	uint64_t lba = get64(cdb + 2), blocks;
	uint32_t n = 0, bs = k->lu->block_size;
	uint8_t *buf = scsi_small(k);

	if (!buf)
		return;
	if (lba >= k->lu->blocks) {
		scsi_fail(k, ILLEGAL, ASC_LBA);
		return;
	}
	memset(buf, 0, SMALL_MAX);
	for (; lba < k->lu->blocks && n < LBA_STATUS_MAX; lba += blocks) {
		uint8_t *d = buf + 8 + 16 * n++;
		bool mapped;

		blocks = disk_extent(k->lu->disk, lba * bs, &mapped) / bs;
		if (blocks == 0)
			blocks = 1;
		if (blocks > UINT32_MAX)
			blocks = UINT32_MAX;
		put64(d, lba);
		put32(d + 8, (uint32_t)blocks);
		d[12] = mapped ? 0 : 1;
	}
	put32(buf, 4 + 16 * n);
	scsi_give(k, 8 + 16 * n, get32(cdb + 10));
}
