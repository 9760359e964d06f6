/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/rdp.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "daemon/lines.h"

#define RDP_PORT 3389

/* proc_pid_net(5), the column "st". */
#define STATE_LISTEN 0x0a

/* A local address of one row. The kernel prints the words of the address as numbers, so reading
 * them as numbers gives the bytes back. */
struct listener {
	int family;
	unsigned port, state;
	uint32_t words[4];
};

/* "  0: 0100007F:0D3D 00000000:0000 0A ...". False: the heading, or something else. */
static bool parse_row(char *line, struct listener *ret)
{
	const char *address;
	size_t digits;
	char *state;

	if (!lines_word(&line)) /* the row's number */
		return false;
	address = lines_word(&line);
	if (!lines_word(&line)) /* the other side */
		return false;
	state = lines_word(&line);
	if (!address || !state || sscanf(state, "%2x", &ret->state) != 1)
		return false;
	digits = strcspn(address, ":");
	if ((digits != 8 && digits != 32) || sscanf(address + digits, ":%4x", &ret->port) != 1)
		return false;
	for (size_t i = 0; i < digits / 8; i++)
		if (sscanf(address + 8 * i, "%8x", &ret->words[i]) != 1)
			return false;
	ret->family = digits == 8 ? AF_INET : AF_INET6;
	return true;
}

static bool is_any(const struct listener *l)
{
	static const uint32_t zero[4];

	return memcmp(l->words, zero, l->family == AF_INET ? 4 : 16) == 0;
}

static bool ipv4_is_local(const uint32_t *word)
{
	return (ntohl(*word) >> IN_CLASSA_NSHIFT) == IN_LOOPBACKNET;
}

/* The address as one of `family`, or NULL: it is not, or only this machine reaches it. */
static const void *address_as(const struct listener *l, int family)
{
	const struct in6_addr *v6 = (const struct in6_addr *)l->words;
	const uint32_t *v4 = l->words;

	if (family == AF_INET6)
		return l->family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(v6) &&
				       !IN6_IS_ADDR_V4MAPPED(v6) ?
			       v6 :
			       NULL;
	if (l->family == AF_INET6) {
		if (!IN6_IS_ADDR_V4MAPPED(v6))
			return NULL;
		v4 = &l->words[3];
	}
	return ipv4_is_local(v4) ? NULL : v4;
}

/* 1: something listens on any address of the family, and text is not touched. */
static int list_from(int root_fd, const char *path, int family, char *text, size_t size)
{
	_cleanup_(lines_close) struct lines l = { .fd = -1 };
	char *line;

	if (lines_open(&l, root_fd, path) < 0)
		return 0;
	while ((line = lines_next(&l))) {
		struct listener row = { 0 };
		const void *address;

		if (!parse_row(line, &row))
			continue;
		/* Listeners come first: the connections of a busy machine are not read through. */
		if (row.state != STATE_LISTEN)
			break;
		if (row.port != RDP_PORT)
			continue;
		if (is_any(&row) && (row.family == family || row.family == AF_INET6))
			return 1;
		address = address_as(&row, family);
		if (address && !net_list_append(text, size, family, address))
			break;
	}
	return 0;
}

int rdp_list_addresses(int root_fd, struct net *n, int family, char *text, size_t size)
{
	int any;

	text[0] = '\0';
	any = family == AF_INET ? list_from(root_fd, "proc/self/net/tcp", family, text, size) : 0;
	if (!any)
		any = list_from(root_fd, "proc/self/net/tcp6", family, text, size);
	return any ? net_list_addresses(n, family, text, size) : 0;
}
