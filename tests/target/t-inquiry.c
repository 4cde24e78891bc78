/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a logical unit says about itself: INQUIRY with its VPD pages (SPC-4
 * 6.6, 7.8; SBC-3 6.5) and the mode pages (SPC-4 7.5, SBC-3 6.4).
 */
#include <stdio.h>
#include <string.h>

#include "t-priv.h"

static const char vendor[] = "LUNFS   ", product[] = "lunfs-target    ",
		  revision[] = "0001";

/* ---------------------------------------------------------------- pages -- */

static size_t
put_text(uint8_t *p, const char *s)
{
	size_t len = strlen(s);

	memcpy(p, s, len);
	return len;
}

static size_t
page_serial(const struct task *k, uint8_t *p)
{
	return put_text(p, disk_config(k->lu->disk)->serial);
}

enum { ASSOC_LU = 0x00, ASSOC_PORT = 0x10, ASSOC_DEVICE = 0x20 };
enum { ID_T10 = 1, ID_NAA = 3, ID_PORT = 4, ID_PORT_GROUP = 5, ID_NAME = 8 };
enum { SET_BINARY = 1, SET_ASCII = 2, SET_UTF8 = 3 };

static size_t
designator(uint8_t *p, unsigned set, unsigned type, size_t len)
{
	bool iscsi = type >= ASSOC_PORT;	/* then the protocol is valid */

	p[0] = (uint8_t)(set | (iscsi ? 0x50 : 0));
	p[1] = (uint8_t)(type | (iscsi ? 0x80 : 0));
	p[2] = 0;
	p[3] = (uint8_t)len;
	return 4 + len;
}

/* A SCSI name string is terminated and padded to four: SPC-4 7.8.6.11. */
static size_t
name_designator(uint8_t *p, unsigned assoc, const char *name)
{
	size_t len = strlen(name) + 1;

	memcpy(p + 4, name, len);
	return designator(p, SET_UTF8, assoc | ID_NAME, len + pad4(len));
}

static size_t
page_ids(const struct task *k, uint8_t *p)
{
	const struct tlu *lu = k->lu;
	char name[NAME_LEN + 16];
	size_t n, len;

	put64(p + 4, lu->naa);
	n = designator(p, SET_BINARY, ASSOC_LU | ID_NAA, 8);
	put_text(p + n + 4, vendor);
	len = 8 + put_text(p + n + 12, disk_config(lu->disk)->serial);
	n += designator(p + n, SET_ASCII, ASSOC_LU | ID_T10, len);
	put32(p + n + 4, 1);
	n += designator(p + n, SET_BINARY, ASSOC_PORT | ID_PORT, 4);
	put32(p + n + 4, lu->node->target->options.tpgt);
	n += designator(p + n, SET_BINARY, ASSOC_PORT | ID_PORT_GROUP, 4);
	/* RFC 7143 4.4.3.2: the name of the port */
	snprintf(name, sizeof(name), "%s,t,0x%04x", lu->node->name,
		 k->conn->session->group);
	n += name_designator(p + n, ASSOC_PORT, name);
	n += name_designator(p + n, ASSOC_DEVICE, lu->node->name);
	return n;
}

static size_t
page_limits(const struct task *k, uint8_t *p)
{
	const struct tlu *lu = k->lu;
	bool thin = disk_config(lu->disk)->thin;
	uint32_t bs = lu->block_size;

	p[0] = 0x01;				/* WSNZ */
	p[1] = COMPARE_MAX;
	put16(p + 2, (uint16_t)(4096 / bs ? 4096 / bs : 1));
	put32(p + 4, TRANSFER_MAX / bs);
	put32(p + 8, (1 << 20) / bs);
	if (thin) {
		put32(p + 16, UNMAP_MAX / bs);
		put32(p + 20, UNMAP_RANGES_MAX);
		put32(p + 24, DISK_GRANULE / bs);
		put32(p + 28, 0x80000000u);	/* UGAVALID, aligned to 0 */
	}
	put64(p + 32, WRITE_SAME_MAX / bs);
	return 60;
}

static size_t
page_characteristics(const struct task *k, uint8_t *p)
{
	put16(p, 1);				/* does not rotate */
	return 60;
}

static size_t
page_provisioning(const struct task *k, uint8_t *p)
{
	if (disk_config(k->lu->disk)->thin) {
		p[1] = 0xe4;		/* LBPU, LBPWS, LBPWS10, LBPRZ */
		p[2] = 2;			/* thin */
	}
	return 4;
}

static size_t page_list(const struct task *k, uint8_t *p);

static const struct page {
	uint8_t code;
	size_t (*fill)(const struct task *k, uint8_t *p);
} pages[] = {
	{ 0x00, page_list },
	{ 0x80, page_serial },
	{ 0x83, page_ids },
	{ 0xb0, page_limits },
	{ 0xb1, page_characteristics },
	{ 0xb2, page_provisioning },
};

enum { PAGES = sizeof(pages) / sizeof(*pages) };

static size_t
page_list(const struct task *k, uint8_t *p)
{
	for (int i = 0; i < PAGES; i++)
		p[i] = pages[i].code;
	return PAGES;
}

static uint32_t
standard(const struct tlu *lu, uint8_t *p)
{
	/* SAM-5, iSCSI, SPC-4, SBC-3 */
	static const uint16_t standards[] = { 0x00a0, 0x0960, 0x0460, 0x04c0 };

	p[0] = lu ? 0x00 : 0x7f;
	p[2] = 0x06;				/* SPC-4 */
	p[3] = 0x12;				/* HISUP, format 2 */
	p[4] = 96 - 5;
	p[5] = 0x10;				/* TPGS: implicit */
	p[7] = 0x02;				/* CMDQUE */
	put_text(p + 8, vendor);
	put_text(p + 16, product);
	put_text(p + 32, revision);
	for (int i = 0; i < 4; i++)
		put16(p + 58 + 2 * i, standards[i]);
	return 96;
}

/* The length; 0: there is no such page. buf has SMALL_MAX bytes. */
uint32_t
inquiry_page(const struct task *k, uint8_t *buf)
{
	const uint8_t *cdb = k->cmd.cdb;

	memset(buf, 0, SMALL_MAX);
	if (!(cdb[1] & 0x01))
		return cdb[2] ? 0 : standard(k->lu, buf);
	if (!k->lu)
		return 0;
	for (int i = 0; i < PAGES; i++) {
		size_t len;

		if (pages[i].code != cdb[2])
			continue;
		len = pages[i].fill(k, buf + 4);
		buf[1] = cdb[2];
		put16(buf + 2, (uint16_t)len);
		return (uint32_t)(4 + len);
	}
	return 0;
}

/* ----------------------------------------------------------- mode pages -- */

static size_t
mode_caching(const struct tlu *lu, uint8_t *p)
{
	p[2] = disk_config(lu->disk)->write_cache ? 0x04 : 0;	/* WCE */
	return 20;
}

static size_t
mode_control(const struct tlu *lu, uint8_t *p)
{
	p[3] = 0x10;		/* commands may be reordered */
	return 12;
}

static const struct mode_page {
	uint8_t code;
	size_t (*fill)(const struct tlu *lu, uint8_t *p);
} mode_pages[] = {
	{ 0x08, mode_caching },
	{ 0x0a, mode_control },
};

static size_t
put_mode_pages(const struct task *k, uint8_t *p)
{
	uint8_t control = k->cmd.cdb[2] >> 6, code = k->cmd.cdb[2] & 0x3f;
	uint8_t subpage = k->cmd.cdb[3];
	size_t n = 0;

	if (subpage != 0 && subpage != 0xff)
		return 0;
	for (size_t i = 0; i < sizeof(mode_pages) / sizeof(*mode_pages); i++) {
		size_t len;

		if (code != 0x3f && code != mode_pages[i].code)
			continue;
		len = mode_pages[i].fill(k->lu, p + n);
		if (control == 1)		/* nothing can be changed */
			memset(p + n, 0, len);
		p[n] = mode_pages[i].code;
		p[n + 1] = (uint8_t)(len - 2);
		n += len;
	}
	return n;
}

static size_t
put_block_descriptor(const struct tlu *lu, uint8_t *p, bool wide)
{
	if (wide) {
		put64(p, lu->blocks);
		put32(p + 12, lu->block_size);
		return 16;
	}
	put32(p, lu->blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)lu->blocks);
	put24(p + 5, lu->block_size);
	return 8;
}

/* The length; 0: there is no such page. buf has SMALL_MAX bytes. */
uint32_t
mode_sense(const struct task *k, uint8_t *buf, bool ten)
{
	const uint8_t *cdb = k->cmd.cdb;
	bool wide = ten && (cdb[1] & 0x10), no_descriptor = cdb[1] & 0x08;
	size_t head = ten ? 8 : 4, desc = 0, pages_len;
	uint8_t device = disk_config(k->lu->disk)->no_fua ? 0 : 0x10; /* DPOFUA */

	memset(buf, 0, SMALL_MAX);
	if (!no_descriptor)
		desc = put_block_descriptor(k->lu, buf + head, wide);
	pages_len = put_mode_pages(k, buf + head + desc);
	if (pages_len == 0)
		return 0;
	if (disk_config(k->lu->disk)->read_only)
		device |= 0x80;			/* WP */
	if (ten) {
		put16(buf, (uint16_t)(head + desc + pages_len - 2));
		buf[3] = device;
		buf[4] = wide;
		put16(buf + 6, (uint16_t)desc);
	} else {
		buf[0] = (uint8_t)(head + desc + pages_len - 1);
		buf[2] = device;
		buf[3] = (uint8_t)desc;
	}
	return (uint32_t)(head + desc + pages_len);
}
