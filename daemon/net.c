/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/net.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/lines.h"
#include "daemon/rtnl.h"
#include "hv_util/guid.h"

/* What a guest has, many times over; a container host's virtual pairs are what may exceed it. */
#define LINKS_MAX 256
#define ADDRESSES_MAX 1024

#define MAC_SIZE 6

/* A dump is asked for again when the tables changed under it. If they always do, the last answer
 * is taken: an entry may be missing or double, and the host asks again. */
#define DUMP_TRIES 3

struct interface {
	int index;
	unsigned flags; /* IFF_* */
	bool has_mac;
	uint8_t mac[MAC_SIZE];
};

struct address {
	int index; /* of the interface */
	uint8_t family, prefix;
	uint8_t origin; /* enum kvp_origin */
	uint8_t bytes[16];
};

struct net {
	int root_fd;
	struct rtnl rtnl;
	size_t n_links, n_addresses;
	struct interface links[LINKS_MAX];
	struct address addresses[ADDRESSES_MAX];
};

/* One question for an adapter: the answer, and which interface it is about. */
struct query {
	struct kvp_ip *ip;
	int index;
};

static size_t address_size(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

/* --- reading the kernel's tables --- */

static void on_link(const struct nlmsghdr *message, void *user)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct net *n = user;
	const struct nlattr *attr;
	struct interface *link;

	if (message->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*info) || n->n_links == LINKS_MAX ||
	    info->ifi_flags & IFF_LOOPBACK)
		return;
	link = &n->links[n->n_links++];
	*link = (struct interface){ .index = info->ifi_index, .flags = info->ifi_flags };
	mnl_attr_for_each(attr, message, sizeof(*info))
		if (mnl_attr_get_type(attr) == IFLA_ADDRESS &&
		    mnl_attr_get_payload_len(attr) == MAC_SIZE) {
			memcpy(link->mac, mnl_attr_get_payload(attr), MAC_SIZE);
			link->has_mac = true;
		}
}

static bool is_link_local(const struct address *a)
{
	return a->family == AF_INET6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

/* See the head of net.h: this is inferred. */
static uint8_t infer_origin(const struct address *a, uint32_t flags)
{
	return !(flags & IFA_F_PERMANENT) || is_link_local(a) ? KVP_ORIGIN_DHCP :
								 KVP_ORIGIN_STATIC;
}

/* IFA_LOCAL is this side; on a point-to-point link IFA_ADDRESS is the other one. */
static bool read_address(const struct nlmsghdr *message, struct address *a, uint32_t *flags)
{
	size_t size = address_size(a->family);
	const struct nlattr *attr, *local = NULL, *any = NULL;

	mnl_attr_for_each(attr, message, sizeof(struct ifaddrmsg)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == IFA_LOCAL && mnl_attr_get_payload_len(attr) == size)
			local = attr;
		else if (type == IFA_ADDRESS && mnl_attr_get_payload_len(attr) == size)
			any = attr;
		else if (type == IFA_FLAGS && mnl_attr_get_payload_len(attr) == sizeof(*flags))
			*flags = mnl_attr_get_u32(attr);
	}
	if (!local)
		local = any;
	if (!local)
		return false;
	memcpy(a->bytes, mnl_attr_get_payload(local), size);
	return true;
}

static const struct interface *find_link(const struct net *n, int index)
{
	for (size_t i = 0; i < n->n_links; i++)
		if (n->links[i].index == index)
			return &n->links[i];
	return NULL;
}

static void on_address(const struct nlmsghdr *message, void *user)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
	struct net *n = user;
	struct address a = { 0 };
	uint32_t flags;
	size_t bits;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*info) ||
	    n->n_addresses == ADDRESSES_MAX ||
	    (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
		return;
	a.index = (int)info->ifa_index;
	a.family = info->ifa_family;
	flags = info->ifa_flags;
	if (!find_link(n, a.index) || !read_address(message, &a, &flags))
		return;
	if (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED) && !(flags & IFA_F_OPTIMISTIC))
		return;
	bits = 8 * address_size(a.family);
	a.prefix = (uint8_t)(info->ifa_prefixlen < bits ? info->ifa_prefixlen : bits);
	a.origin = infer_origin(&a, flags);
	n->addresses[n->n_addresses++] = a;
}

static int read_links(struct net *n)
{
	int r = 1;

	for (int i = 0; i < DUMP_TRIES && r == 1; i++) {
		struct nlmsghdr *request = rtnl_request(&n->rtnl, RTM_GETLINK);

		mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
		n->n_links = 0;
		r = rtnl_dump(&n->rtnl, on_link, n);
	}
	return r < 0 ? r : 0;
}

static int read_addresses(struct net *n)
{
	int r = 1;

	for (int i = 0; i < DUMP_TRIES && r == 1; i++) {
		struct nlmsghdr *request = rtnl_request(&n->rtnl, RTM_GETADDR);

		mnl_nlmsg_put_extra_header(request, sizeof(struct ifaddrmsg));
		n->n_addresses = 0;
		r = rtnl_dump(&n->rtnl, on_address, n);
	}
	return r < 0 ? r : 0;
}

static int read_tables(struct net *n)
{
	int r = read_links(n);

	return r < 0 ? r : read_addresses(n);
}

/* --- the lists of NetworkAddressIPv4 and 6 --- */

bool net_list_append(char *text, size_t size, int family, const void *address)
{
	char one[INET6_ADDRSTRLEN];
	size_t used = strlen(text), len;

	if (!inet_ntop(family, address, one, sizeof(one)))
		return false;
	len = strlen(one);
	if (used + (used > 0) + len + 1 > size)
		return false;
	if (used > 0)
		text[used++] = ';';
	memcpy(text + used, one, len + 1);
	return true;
}

int net_list_addresses(struct net *n, int family, char *text, size_t size)
{
	int r;

	text[0] = '\0';
	r = read_tables(n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n->n_addresses; i++) {
		const struct address *a = &n->addresses[i];

		if (a->family != family || !(find_link(n, a->index)->flags & IFF_UP))
			continue;
		if (!net_list_append(text, size, family, a->bytes))
			break;
	}
	return 0;
}

/* --- one adapter --- */

/* Six pairs of hex digits. -EINVAL: it is something else. */
static int parse_mac(const char *text, uint8_t mac[static MAC_SIZE])
{
	static const char hex[] = "0123456789abcdef0123456789ABCDEF";
	size_t digits = 0;

	memset(mac, 0, MAC_SIZE);
	for (; *text != '\0'; text++) {
		const char *digit = strchr(hex, *text);

		if (*text == ':' || *text == '-')
			continue;
		if (!digit || digits == 2 * MAC_SIZE)
			return -EINVAL;
		mac[digits / 2] = (uint8_t)(mac[digits / 2] << 4 | (digit - hex) % 16);
		digits++;
	}
	return digits == 2 * MAC_SIZE ? 0 : -EINVAL;
}

/* How sure it is that an interface carries the adapter's addresses: 0 it has none, 1 it has only
 * the link-local one that every interface may get, 2 it has others. */
static int rank_of(const struct net *n, int index)
{
	int rank = 0;

	for (size_t i = 0; i < n->n_addresses && rank < 2; i++)
		if (n->addresses[i].index == index)
			rank = is_link_local(&n->addresses[i]) ? 1 : 2;
	return rank;
}

/* NULL: no interface has this MAC address. */
static const struct interface *find_adapter(const struct net *n, const uint8_t *mac)
{
	const struct interface *best = NULL;
	int best_rank = -1;

	for (size_t i = 0; i < n->n_links; i++) {
		const struct interface *link = &n->links[i];
		int rank;

		if (!link->has_mac || memcmp(link->mac, mac, MAC_SIZE) != 0)
			continue;
		rank = rank_of(n, link->index);
		if (rank > best_rank) {
			best = link;
			best_rank = rank;
		}
	}
	return best;
}

static void fill_addresses(const struct net *n, const struct query *q)
{
	struct kvp_ip *ip = q->ip;

	for (size_t i = 0; i < n->n_addresses; i++) {
		const struct address *a = &n->addresses[i];

		if (a->index != q->index)
			continue;
		if (a->family == AF_INET && ip->n_ipv4 < KVP_ADDRESSES_MAX) {
			struct kvp_ipv4 *to = &ip->ipv4[ip->n_ipv4++];

			memcpy(to->address, a->bytes, sizeof(to->address));
			to->prefix = a->prefix;
			to->origin = a->origin;
			ip->dhcp |= a->origin == KVP_ORIGIN_DHCP;
		} else if (a->family == AF_INET6 && ip->n_ipv6 < KVP_ADDRESSES_MAX) {
			struct kvp_ipv6 *to = &ip->ipv6[ip->n_ipv6++];

			memcpy(to->address, a->bytes, sizeof(to->address));
			to->prefix = a->prefix;
			to->origin = a->origin;
		}
	}
}

/* Adds an entry of `size` bytes to a list that has no two alike and ends at max. */
static void add_once(void *list, unsigned *n, unsigned max, const void *entry, size_t size)
{
	uint8_t *bytes = list;

	for (unsigned i = 0; i < *n; i++)
		if (memcmp(bytes + i * size, entry, size) == 0)
			return;
	if (*n < max)
		memcpy(bytes + (*n)++ * size, entry, size);
}

static void add_gateway(struct kvp_ip *ip, int family, const struct nlattr *gateway)
{
	if (mnl_attr_get_payload_len(gateway) != address_size(family))
		return;
	if (family == AF_INET)
		add_once(ip->gateways4, &ip->n_gateways4, KVP_GATEWAYS_MAX,
			 mnl_attr_get_payload(gateway), sizeof(ip->gateways4[0]));
	else
		add_once(ip->gateways6, &ip->n_gateways6, KVP_GATEWAYS_MAX,
			 mnl_attr_get_payload(gateway), sizeof(ip->gateways6[0]));
}

/* A route with several next hops: those through our interface. */
static void take_next_hops(const struct query *q, int family, const struct nlattr *hops)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(hops);
	int left = mnl_attr_get_payload_len(hops);

	for (; RTNH_OK(hop, left); left -= (int)NLMSG_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop)) {
		const char *attrs = (const char *)hop + RTNH_LENGTH(0);
		size_t size = hop->rtnh_len - RTNH_LENGTH(0);
		const struct nlattr *attr;

		if (hop->rtnh_ifindex != q->index)
			continue;
		for (attr = (const struct nlattr *)attrs;
		     mnl_attr_ok(attr, (int)(attrs + size - (const char *)attr));
		     attr = mnl_attr_next(attr))
			if (mnl_attr_get_type(attr) == RTA_GATEWAY)
				add_gateway(q->ip, family, attr);
	}
}

static void on_route(const struct nlmsghdr *message, void *user)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(message);
	const struct query *q = user;
	const struct nlattr *attr, *gateway = NULL, *hops = NULL;
	int index = 0;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*info) || info->rtm_dst_len != 0 ||
	    info->rtm_table != RT_TABLE_MAIN || info->rtm_type != RTN_UNICAST ||
	    (info->rtm_family != AF_INET && info->rtm_family != AF_INET6))
		return;
	mnl_attr_for_each(attr, message, sizeof(*info)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTA_OIF && mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
			index = (int)mnl_attr_get_u32(attr);
		else if (type == RTA_GATEWAY)
			gateway = attr;
		else if (type == RTA_MULTIPATH)
			hops = attr;
	}
	if (gateway && index == q->index)
		add_gateway(q->ip, info->rtm_family, gateway);
	if (hops)
		take_next_hops(q, info->rtm_family, hops);
}

static int read_gateways(struct net *n, struct query *q, int family)
{
	int r = 1;

	for (int i = 0; i < DUMP_TRIES && r == 1; i++) {
		struct nlmsghdr *request = rtnl_request(&n->rtnl, RTM_GETROUTE);
		struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));

		route->rtm_family = (uint8_t)family;
		route->rtm_table = RT_TABLE_MAIN;
		mnl_attr_put_u32(request, RTA_OIF, (uint32_t)q->index);
		r = rtnl_dump(&n->rtnl, on_route, q);
	}
	/* There is no such table before the first route is set. */
	return r < 0 && r != -ENOENT ? r : 0;
}

static void add_dns(struct kvp_ip *ip, char *text)
{
	uint8_t address[sizeof(struct in6_addr)];

	text[strcspn(text, "%")] = '\0'; /* the zone of a link-local address */
	if (inet_pton(AF_INET, text, address) == 1)
		add_once(ip->dns4, &ip->n_dns4, KVP_ADDRESSES_MAX, address, sizeof(ip->dns4[0]));
	else if (inet_pton(AF_INET6, text, address) == 1)
		add_once(ip->dns6, &ip->n_dns6, KVP_ADDRESSES_MAX, address, sizeof(ip->dns6[0]));
}

/* The first is what systemd-resolved asks; with it, /etc/resolv.conf names only its local stub. */
static void read_dns(const struct net *n, struct kvp_ip *ip)
{
	static const char *const paths[] = { "run/systemd/resolve/resolv.conf", "etc/resolv.conf" };
	_cleanup_(lines_close) struct lines l = { .fd = -1 };
	char *line;

	for (size_t i = 0; i < ARRAY_LEN(paths) && l.fd < 0; i++)
		(void)!lines_open(&l, n->root_fd, paths[i]);
	if (l.fd < 0)
		return;
	while ((line = lines_next(&l))) {
		const char *key = lines_word(&line);
		char *value = lines_word(&line);

		if (key && value && strcmp(key, "nameserver") == 0)
			add_dns(ip, value);
	}
}

int net_get_ip(struct net *n, struct kvp_ip *ip)
{
	struct query q = { .ip = ip };
	const struct interface *link;
	uint8_t mac[MAC_SIZE];
	int r;

	if (parse_mac(ip->adapter_id, mac) < 0)
		return -ENODEV;
	r = read_tables(n);
	if (r < 0)
		return r;
	link = find_adapter(n, mac);
	if (!link)
		return -ENODEV;

	q.index = link->index;
	fill_addresses(n, &q);
	ip->family = (uint8_t)((ip->n_ipv4 ? KVP_FAMILY_IPV4 : 0) |
			       (ip->n_ipv6 ? KVP_FAMILY_IPV6 : 0));
	r = read_gateways(n, &q, AF_INET);
	if (r == 0)
		r = read_gateways(n, &q, AF_INET6);
	if (r < 0)
		return r;
	read_dns(n, ip);
	return 0;
}

/* --- from a VMBus device to its interface --- */

static bool device_is(int class_fd, const char *name, const struct guid *wanted)
{
	_cleanup_(lines_close) struct lines l = { .fd = -1 };
	char path[NAME_MAX + sizeof("/device/device_id")];
	struct guid found;
	const char *line;

	(void)snprintf(path, sizeof(path), "%s/device/device_id", name);
	if (lines_open(&l, class_fd, path) < 0)
		return false;
	line = lines_next(&l);
	return line && guid_parse(line, &found) == 0 &&
	       memcmp(found.b, wanted->b, sizeof(found.b)) == 0;
}

static void close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* getdents64 rather than opendir, which would allocate. */
int net_find_device(struct net *n, const char *device_id, char name[static IF_NAMESIZE])
{
	_cleanup_(close_fd) int fd = -1;
	_Alignas(struct dirent64) char buf[4096];
	struct guid wanted;
	ssize_t got;

	if (guid_parse(device_id, &wanted) < 0)
		return -ENOENT;
	fd = openat(n->root_fd, "sys/class/net", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((got = getdents64(fd, buf, sizeof(buf))) > 0) {
		const struct dirent64 *entry;

		for (ssize_t at = 0; at < got; at += entry->d_reclen) {
			entry = (const struct dirent64 *)(buf + at);
			if (strlen(entry->d_name) < IF_NAMESIZE && entry->d_name[0] != '.' &&
			    device_is(fd, entry->d_name, &wanted)) {
				strcpy(name, entry->d_name);
				return 0;
			}
		}
	}
	return got < 0 ? -errno : -ENOENT;
}

int net_new(const char *root, struct net **ret)
{
	struct net *n;
	int r;

	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	rtnl_init(&n->rtnl, -1);
	n->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (n->root_fd < 0) {
		r = -errno;
		net_free(n);
		return r;
	}
	/* Without it each question tries again, and says why it fails. */
	(void)!rtnl_open(&n->rtnl);

	*ret = n;
	return 0;
}

struct net *net_free(struct net *n)
{
	if (!n)
		return NULL;
	rtnl_done(&n->rtnl);
	if (n->root_fd >= 0)
		close(n->root_fd);
	free(n);
	return NULL;
}
