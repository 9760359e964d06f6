/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/host/adapter.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct sockaddr_ll *address_of(const struct ifaddrs *i)
{
	static const uint8_t none[6];
	const struct sockaddr_ll *a = (const struct sockaddr_ll *)(const void *)i->ifa_addr;

	if (!a || a->sll_family != AF_PACKET || i->ifa_flags & IFF_LOOPBACK ||
	    a->sll_halen != sizeof(none) || memcmp(a->sll_addr, none, sizeof(none)) == 0)
		return NULL;
	return a;
}

int adapter_first(char ret[static ADAPTER_TEXT_SIZE])
{
	const struct sockaddr_ll *found = NULL;
	struct ifaddrs *all;
	bool up = false;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i && !up; i = i->ifa_next) {
		const struct sockaddr_ll *a = address_of(i);

		up = a && i->ifa_flags & IFF_UP;
		if (a && (up || !found))
			found = a;
	}
	if (found)
		(void)snprintf(ret, ADAPTER_TEXT_SIZE, "%02X:%02X:%02X:%02X:%02X:%02X",
			       found->sll_addr[0], found->sll_addr[1], found->sll_addr[2],
			       found->sll_addr[3], found->sll_addr[4], found->sll_addr[5]);
	freeifaddrs(all);
	return found ? 0 : -ENODEV;
}

bool adapter_text_is_good(const char *text)
{
	if (strlen(text) != ADAPTER_TEXT_SIZE - 1)
		return false;
	for (size_t i = 0; i < ADAPTER_TEXT_SIZE - 1; i++)
		if (i % 3 == 2 ? text[i] != text[2] || !strchr(":-", text[i]) :
				 !isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* The first IPv4 address of the interface; false, and "" in ret: it has none. */
static bool find_ipv4(const struct ifaddrs *all, const char *interface,
		      char ret[static INET_ADDRSTRLEN])
{
	*ret = 0;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)a->ifa_addr;

		if (in && in->sin_family == AF_INET && strcmp(a->ifa_name, interface) == 0)
			return inet_ntop(AF_INET, &in->sin_addr, ret, INET_ADDRSTRLEN);
	}
	return false;
}

void adapter_with_ipv4(char ret_mac[static ADAPTER_TEXT_SIZE], char ret_ipv4[static 16])
{
	struct ifaddrs *all = NULL;
	bool found = false;

	(void)snprintf(ret_mac, ADAPTER_TEXT_SIZE, "%s", "02:00:00:00:00:01");
	*ret_ipv4 = 0;
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		const struct sockaddr_ll *a = address_of(i);

		if (!a)
			continue;
		(void)snprintf(ret_mac, ADAPTER_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x",
			       a->sll_addr[0], a->sll_addr[1], a->sll_addr[2], a->sll_addr[3],
			       a->sll_addr[4], a->sll_addr[5]);
		found = find_ipv4(all, i->ifa_name, ret_ipv4);
	}
	freeifaddrs(all);
}
