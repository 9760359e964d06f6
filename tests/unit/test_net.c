/* SPDX-License-Identifier: GPL-2.0-only */
/* The interfaces, in a network namespace of the test's own; and netlink answers that no kernel
 * gives, through a socket pair. */
#include "daemon/net.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "daemon/rtnl.h"
#include "tests/unit/alloc_count.h"
#include "tests/unit/temp_dir.h"

/* --- changing a namespace's interfaces --- */

struct fixture {
	bool in_namespace;
	struct mnl_socket *socket;
	struct temp_dir root;
	struct net *net;
};

static struct fixture fx;

static uint8_t request[4096] __attribute__((aligned(8)));

static struct nlmsghdr *change(uint16_t type, uint16_t flags)
{
	struct nlmsghdr *m;

	memset(request, 0, sizeof(request));
	m = mnl_nlmsg_put_header(request);
	m->nlmsg_type = type;
	m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return m;
}

/* The kernel's errno, negative. */
static int commit(const struct nlmsghdr *m)
{
	uint8_t answer[8192] __attribute__((aligned(8)));
	const struct nlmsghdr *a = (const struct nlmsghdr *)answer;
	const struct nlmsgerr *e;

	assert_int_equal(mnl_socket_sendto(fx.socket, m, m->nlmsg_len), m->nlmsg_len);
	assert_true(mnl_socket_recvfrom(fx.socket, answer, sizeof(answer)) >=
		    (ssize_t)mnl_nlmsg_size(sizeof(*e)));
	assert_int_equal(a->nlmsg_type, NLMSG_ERROR);
	e = mnl_nlmsg_get_payload(a);
	return e->error;
}

/* Makes an interface of some kind that this kernel has. */
static int add_link(const char *name, uint8_t last)
{
	static const char *const kinds[] = { "dummy", "ifb" };
	const uint8_t mac[6] = { 0x02, 0x15, 0x5d, 0xAB, 0xCD, last };
	int r = -1;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && r < 0; i++) {
		struct nlmsghdr *m = change(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
		struct nlattr *info;

		mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
		mnl_attr_put_strz(m, IFLA_IFNAME, name);
		mnl_attr_put(m, IFLA_ADDRESS, sizeof(mac), mac);
		info = mnl_attr_nest_start(m, IFLA_LINKINFO);
		mnl_attr_put_strz(m, IFLA_INFO_KIND, kinds[i]);
		mnl_attr_nest_end(m, info);
		r = commit(m);
	}
	return r;
}

static void delete_link(const char *name)
{
	struct nlmsghdr *m = change(RTM_DELLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifi_index = (int)if_nametoindex(name);
	assert_int_equal(commit(m), 0);
}

static void set_up(const char *name, bool up)
{
	struct nlmsghdr *m = change(RTM_NEWLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifi_index = (int)if_nametoindex(name);
	info->ifi_change = IFF_UP;
	info->ifi_flags = up ? IFF_UP : 0;
	assert_int_equal(commit(m), 0);
}

static int family_of(const char *text)
{
	return strchr(text, ':') ? AF_INET6 : AF_INET;
}

static void put_address(struct nlmsghdr *m, uint16_t type, const char *text)
{
	uint8_t bytes[16];

	assert_int_equal(inet_pton(family_of(text), text, bytes), 1);
	mnl_attr_put(m, type, family_of(text) == AF_INET ? 4 : 16, bytes);
}

/* valid: seconds, 0 for ever. */
static void add_address(const char *name, const char *text, uint8_t prefix, uint32_t valid)
{
	struct nlmsghdr *m = change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->ifa_family = (uint8_t)family_of(text);
	info->ifa_prefixlen = prefix;
	info->ifa_index = if_nametoindex(name);
	info->ifa_flags = IFA_F_NODAD;
	put_address(m, IFA_LOCAL, text);
	if (valid) {
		struct ifa_cacheinfo c = { .ifa_valid = valid, .ifa_prefered = valid };

		mnl_attr_put(m, IFA_CACHEINFO, sizeof(c), &c);
	}
	assert_int_equal(commit(m), 0);
}

static void add_default_route(const char *name, const char *gateway, uint32_t metric)
{
	struct nlmsghdr *m = change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));

	info->rtm_family = (uint8_t)family_of(gateway);
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_type = RTN_UNICAST;
	put_address(m, RTA_GATEWAY, gateway);
	mnl_attr_put_u32(m, RTA_OIF, if_nametoindex(name));
	mnl_attr_put_u32(m, RTA_PRIORITY, metric);
	assert_int_equal(commit(m), 0);
}

/* One IPv4 default route through two interfaces. */
static void add_multipath_route(const char *const names[2], const char *const gateways[2])
{
	struct nlmsghdr *m = change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(m, sizeof(*info));
	uint8_t hops[2][sizeof(struct rtnexthop) + 8] = { 0 };

	info->rtm_family = AF_INET;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = RTPROT_STATIC;
	info->rtm_type = RTN_UNICAST;
	for (int i = 0; i < 2; i++) {
		struct rtnexthop h = { .rtnh_len = sizeof(hops[0]),
				       .rtnh_ifindex = (int)if_nametoindex(names[i]) };
		struct nlattr a = { .nla_len = 8, .nla_type = RTA_GATEWAY };

		memcpy(hops[i], &h, sizeof(h));
		memcpy(hops[i] + sizeof(h), &a, sizeof(a));
		assert_int_equal(inet_pton(AF_INET, gateways[i], hops[i] + sizeof(h) + 4), 1);
	}
	mnl_attr_put(m, RTA_MULTIPATH, sizeof(hops), hops);
	assert_int_equal(commit(m), 0);
}

/* --- setup --- */

static int group_setup(void **state)
{
	(void)state;
	fx.in_namespace = unshare(CLONE_NEWNET) == 0 ||
			  unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	if (!fx.in_namespace)
		return 0;
	fx.socket = mnl_socket_open(NETLINK_ROUTE);
	if (!fx.socket || mnl_socket_bind(fx.socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -1;
	if (add_link("try", 0) < 0)
		fx.in_namespace = false;
	else
		delete_link("try");
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	if (fx.socket)
		(void)mnl_socket_close(fx.socket);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	fx.root = temp_dir_new();
	assert_int_equal(net_new(fx.root.path, &fx.net), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fx.net = net_free(fx.net);
	temp_dir_done(&fx.root);
	return 0;
}

static int setup_eth0(void **state)
{
	(void)setup(state);
	if (fx.in_namespace) {
		assert_int_equal(add_link("eth0", 1), 0);
		set_up("eth0", true);
	}
	return 0;
}

static int teardown_eth0(void **state)
{
	if (fx.in_namespace)
		delete_link("eth0");
	return teardown(state);
}

static void need_namespace(void)
{
	if (fx.in_namespace)
		return;
	print_message("SKIPPED: no network namespace, or no dummy or ifb interface in it\n");
	skip();
}

static struct kvp_ip ip;

static int get_ip(const char *mac)
{
	memset(&ip, 0, sizeof(ip));
	strcpy(ip.adapter_id, mac);
	return net_get_ip(fx.net, &ip);
}

static void assert_address(const void *bytes, const char *text)
{
	char is[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(family_of(text), bytes, is, sizeof(is)));
	assert_string_equal(is, text);
}

/* --- real interfaces --- */

/* The kernel makes the table of routes with the first of them; this is the first test. */
static void a_machine_without_routes_has_no_gateways(void **state)
{
	(void)state;
	need_namespace();
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	assert_int_equal(ip.n_ipv4, 0);
	assert_int_equal(ip.n_gateways4, 0);
}

static void lists_have_what_can_be_reached(void **state)
{
	char text[1024];

	(void)state;
	need_namespace();
	set_up("lo", true);
	add_address("eth0", "10.1.0.5", 24, 0);
	add_address("eth0", "10.1.0.6", 24, 600);
	add_address("eth0", "fd00::5", 64, 0);
	assert_int_equal(net_list_addresses(fx.net, AF_INET, text, sizeof(text)), 0);
	assert_string_equal(text, "10.1.0.5;10.1.0.6");
	assert_int_equal(net_list_addresses(fx.net, AF_INET6, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "fd00::5"));
	assert_null(strstr(text, "::1;"));
	/* Cut between two addresses. */
	assert_int_equal(net_list_addresses(fx.net, AF_INET, text, 18), 0);
	assert_string_equal(text, "10.1.0.5;10.1.0.6");
	assert_int_equal(net_list_addresses(fx.net, AF_INET, text, 17), 0);
	assert_string_equal(text, "10.1.0.5");
	set_up("eth0", false);
	assert_int_equal(net_list_addresses(fx.net, AF_INET, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

static void a_long_list_is_cut_between_addresses(void **state)
{
	char text[1024], one[32];
	size_t len;

	(void)state;
	need_namespace();
	for (int i = 0; i < 100; i++) {
		(void)snprintf(one, sizeof(one), "10.123.100.%d", 100 + i);
		add_address("eth0", one, 16, 0);
	}
	assert_int_equal(net_list_addresses(fx.net, AF_INET, text, sizeof(text)), 0);
	len = strlen(text);
	assert_int_equal(len, 1023 / 15 * 15 - 1); /* each with its separator is 15 */
	assert_memory_equal(text + len - 15, ";10.123.100.", 12);
}

static void an_adapter_is_found_however_its_mac_is_written(void **state)
{
	static const char *const same[] = {
		"02:15:5d:ab:cd:01", "02-15-5D-AB-CD-01", "02155DABCD01", "02155dabcd01",
		"0215:5dAB-cd01",
	};
	static const char *const other[] = {
		"",		     "02:15:5d:ab:cd",	  "02:15:5d:ab:cd:02",
		"02:15:5d:ab:cd:01:01", "02:15:5d:ab:cd:0g", "02 15 5d ab cd 01",
		"{02155dabcd01}",	     "00:00:00:00:00:00", "2:15:5d:ab:cd:1",
	};

	(void)state;
	need_namespace();
	set_up("lo", true);
	assert_int_equal(get_ip(same[0]), 0); /* no address yet: found, and empty */
	assert_int_equal(ip.n_ipv4, 0);
	add_address("eth0", "10.1.0.5", 24, 0);
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		assert_int_equal(get_ip(same[i]), 0);
		assert_int_equal(ip.n_ipv4, 1);
		assert_address(ip.ipv4[0].address, "10.1.0.5");
		assert_string_equal(ip.adapter_id, same[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_int_equal(get_ip(other[i]), -ENODEV);
}

static void everything_about_an_adapter_is_told(void **state)
{
	bool found = false;

	(void)state;
	need_namespace();
	add_address("eth0", "10.1.0.5", 20, 0);
	add_address("eth0", "fd00::5", 64, 0);
	add_address("eth0", "fd00::6", 128, 900);
	add_address("eth0", "fe80::77", 64, 0);
	add_default_route("eth0", "10.1.0.1", 100);
	add_default_route("eth0", "10.1.0.1", 200); /* again, told once */
	add_default_route("eth0", "10.1.0.2", 300);
	add_default_route("eth0", "fd00::1", 100);
	temp_dir_put(&fx.root, "etc/resolv.conf", "nameserver 127.0.0.53\n");
	temp_dir_put(&fx.root, "run/systemd/resolve/resolv.conf",
		     "# comment\nsearch example.com\nnameserver 10.1.0.9\nnameserver\t10.1.0.10 \n"
		     "nameserver fd00::9\nnameserver fe80::9%eth0\nnameserver nonsense\n"
		     "nameserver\nnameserver 10.1.0.9\nnameservers 1.1.1.1\n");
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	assert_int_equal(ip.family, KVP_FAMILY_IPV4 | KVP_FAMILY_IPV6);
	assert_false(ip.dhcp);
	assert_int_equal(ip.n_ipv4, 1);
	assert_int_equal(ip.ipv4[0].prefix, 20);
	assert_int_equal(ip.ipv4[0].origin, KVP_ORIGIN_STATIC);
	for (unsigned i = 0; i < ip.n_ipv6; i++) {
		char text[INET6_ADDRSTRLEN];

		(void)inet_ntop(AF_INET6, ip.ipv6[i].address, text, sizeof(text));
		found |= strcmp(text, "fe80::77") == 0 &&
			 ip.ipv6[i].origin == KVP_ORIGIN_DHCP;
		if (strcmp(text, "fd00::5") == 0)
			assert_int_equal(ip.ipv6[i].origin, KVP_ORIGIN_STATIC);
		if (strcmp(text, "fd00::6") == 0) {
			assert_int_equal(ip.ipv6[i].origin, KVP_ORIGIN_DHCP);
			assert_int_equal(ip.ipv6[i].prefix, 128);
		}
	}
	assert_true(found);
	assert_int_equal(ip.n_gateways4, 2);
	assert_address(ip.gateways4[0], "10.1.0.1");
	assert_address(ip.gateways4[1], "10.1.0.2");
	assert_int_equal(ip.n_gateways6, 1);
	assert_address(ip.gateways6[0], "fd00::1");
	assert_int_equal(ip.n_dns4, 2);
	assert_address(ip.dns4[0], "10.1.0.9");
	assert_address(ip.dns4[1], "10.1.0.10");
	assert_int_equal(ip.n_dns6, 2);
	assert_address(ip.dns6[1], "fe80::9");
}

static void of_a_point_to_point_link_this_end_is_told(void **state)
{
	struct nlmsghdr *m;
	struct ifaddrmsg *info;

	(void)state;
	need_namespace();
	m = change(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	info = mnl_nlmsg_put_extra_header(m, sizeof(*info));
	info->ifa_family = AF_INET;
	info->ifa_prefixlen = 32;
	info->ifa_index = if_nametoindex("eth0");
	put_address(m, IFA_LOCAL, "10.5.0.1");
	put_address(m, IFA_ADDRESS, "10.5.0.2");
	assert_int_equal(commit(m), 0);
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	assert_int_equal(ip.n_ipv4, 1);
	assert_address(ip.ipv4[0].address, "10.5.0.1");
	assert_int_equal(ip.ipv4[0].prefix, 32);
}

static void a_lease_means_dhcp(void **state)
{
	(void)state;
	need_namespace();
	add_address("eth0", "10.1.0.5", 24, 600);
	temp_dir_put(&fx.root, "etc/resolv.conf", "nameserver 10.1.0.8");
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	assert_true(ip.dhcp);
	assert_int_equal(ip.ipv4[0].origin, KVP_ORIGIN_DHCP);
	assert_int_equal(ip.n_dns4, 1);
	assert_address(ip.dns4[0], "10.1.0.8");
	assert_int_equal(ip.n_gateways4, 0);
}

static void only_sixty_four_addresses_are_told(void **state)
{
	char one[32];

	(void)state;
	need_namespace();
	for (int i = 1; i <= 65; i++) {
		(void)snprintf(one, sizeof(one), "10.1.0.%d", i);
		add_address("eth0", one, 24, 0);
		(void)snprintf(one, sizeof(one), "fd00::%x", i);
		add_address("eth0", one, 64, 0);
	}
	for (uint32_t i = 1; i <= 6; i++) {
		(void)snprintf(one, sizeof(one), "10.1.0.%u", 200 + i);
		add_default_route("eth0", one, i);
	}
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	assert_int_equal(ip.n_ipv4, 64);
	assert_int_equal(ip.n_ipv6, 64);
	assert_address(ip.ipv4[63].address, "10.1.0.64");
	assert_int_equal(ip.n_gateways4, 5);
	assert_address(ip.gateways4[4], "10.1.0.205");
}

/* A virtual function below an adapter has its MAC address; so have a bridge and a VLAN above it. */
static void of_twins_the_one_with_addresses_is_meant(void **state)
{
	static const char *const names[] = { "eth1", "eth0" };
	static const char *const gateways[] = { "10.2.0.1", "10.1.0.1" };

	(void)state;
	need_namespace();
	assert_int_equal(add_link("eth1", 1), 0);
	add_address("eth1", "10.2.0.5", 24, 0);
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	assert_int_equal(ip.n_ipv4, 1);
	assert_address(ip.ipv4[0].address, "10.2.0.5");
	add_address("eth0", "10.1.0.6", 24, 0);
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	assert_address(ip.ipv4[0].address, "10.1.0.6"); /* both have: the first */
	delete_link("eth1");

	/* Addresses and gateways of another interface are not this one's. */
	assert_int_equal(add_link("eth1", 2), 0);
	set_up("eth1", true);
	add_address("eth1", "10.2.0.5", 24, 0);
	add_address("eth0", "10.1.0.5", 24, 0);
	add_multipath_route(names, gateways);
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	assert_int_equal(ip.n_ipv4, 2);
	assert_address(ip.ipv4[1].address, "10.1.0.5");
	assert_int_equal(ip.n_gateways4, 1);
	assert_address(ip.gateways4[0], "10.1.0.1");
	assert_int_equal(get_ip("02:15:5d:ab:cd:02"), 0);
	assert_int_equal(ip.n_gateways4, 1);
	assert_address(ip.gateways4[0], "10.2.0.1");
	delete_link("eth1");
}

static void more_interfaces_than_the_table_holds(void **state)
{
	char name[IF_NAMESIZE], text[1024];

	(void)state;
	need_namespace();
	add_address("eth0", "10.1.0.5", 24, 0);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "many%d", i);
		assert_int_equal(add_link(name, (uint8_t)(i | 0x80)), 0);
	}
	set_up("many0", true);
	add_address("many0", "10.3.0.1", 24, 0);
	set_up("many299", true);
	add_address("many299", "10.3.1.1", 24, 0);
	assert_int_equal(net_list_addresses(fx.net, AF_INET, text, sizeof(text)), 0);
	assert_string_equal(text, "10.1.0.5;10.3.0.1");
	assert_int_equal(get_ip("02:15:5d:ab:cd:01"), 0);
	/* They go with the namespace; deleting them one by one takes seconds. */
}

static void no_question_allocates(void **state)
{
	char text[1024], name[IF_NAMESIZE];
	size_t allocated;
	int found, failed = 0;

	(void)state;
	need_namespace();
	add_address("eth0", "10.1.0.5", 24, 0);
	add_default_route("eth0", "10.1.0.1", 1);
	temp_dir_put(&fx.root, "etc/resolv.conf", "nameserver 10.1.0.9\n");
	temp_dir_put(&fx.root, "sys/class/net/eth0/device/device_id",
		     "{f8615163-df3e-46c5-913f-f2d2f965ed0e}\n");
	alloc_count_check();
	allocated = alloc_count;
	for (int i = 0; i < 10; i++) {
		failed |= net_list_addresses(fx.net, AF_INET, text, sizeof(text));
		failed |= get_ip("02:15:5d:ab:cd:01");
		found = net_find_device(fx.net, "{f8615163-df3e-46c5-913f-f2d2f965ed0e}", name);
		failed |= found;
	}
	assert_int_equal(alloc_count, allocated);
	assert_int_equal(failed, 0);
}

/* --- from a device to its interface --- */

static void a_device_id_names_its_interface(void **state)
{
	static const char *const none[] = {
		"{f8615163-df3e-46c5-913f-f2d2f965ed0d}", "{f8615163-df3e-46c5-913f-f2d2f965ed0}",
		"", "eth0", "{}", "../../../etc",
	};
	char name[IF_NAMESIZE] = "untouched";

	(void)state;
	assert_int_equal(net_find_device(fx.net, none[0], name), -ENOENT); /* no sysfs at all */
	temp_dir_put(&fx.root, "sys/class/net/eth10/device/device_id",
		     "{f8615163-df3e-46c5-913f-f2d2f965ed10}\n");
	temp_dir_put(&fx.root, "sys/class/net/eth1/device/device_id",
		     "{F8615163-DF3E-46C5-913F-F2D2F965ED0E}\n");
	temp_dir_put(&fx.root, "sys/class/net/lo/operstate", "unknown\n");
	temp_dir_put(&fx.root, "sys/class/net/bad/device/device_id", "");
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(net_find_device(fx.net, none[i], name), -ENOENT);
	assert_string_equal(name, "untouched");
	assert_int_equal(
		net_find_device(fx.net, "{f8615163-DF3E-46c5-913f-f2d2f965ed0e}", name), 0);
	assert_string_equal(name, "eth1");
	assert_int_equal(
		net_find_device(fx.net, "{f8615163-df3e-46c5-913f-f2d2f965ed10}", name), 0);
	assert_string_equal(name, "eth10");
}

/* --- answers that no kernel gives --- */

static struct rtnl rtnl;
static int kernel_end;

static void fake_kernel(void)
{
	const struct timeval wait = { .tv_usec = 20000 };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	rtnl_init(&rtnl, ends[0]);
	kernel_end = ends[1];
}

static void fake_done(void)
{
	rtnl_done(&rtnl);
	close(kernel_end);
}

/* A message with one number in it. */
static void answer(uint16_t type, uint16_t flags, uint32_t seq, int number)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(request);

	m->nlmsg_type = type;
	m->nlmsg_flags = flags;
	m->nlmsg_seq = seq;
	memcpy(mnl_nlmsg_put_extra_header(m, sizeof(number)), &number, sizeof(number));
	assert_int_equal(send(kernel_end, m, m->nlmsg_len, 0), m->nlmsg_len);
}

static void count_message(const struct nlmsghdr *m, void *user)
{
	(void)m;
	++*(unsigned *)user;
}

static int dump_links(unsigned *n)
{
	struct nlmsghdr *m = rtnl_request(&rtnl, RTM_GETLINK);

	mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
	*n = 0;
	return rtnl_dump(&rtnl, count_message, n);
}

static void an_interrupted_dump_is_told_apart(void **state)
{
	unsigned n;

	(void)state;
	fake_kernel();
	answer(RTM_NEWLINK, 0, 1, 0);
	answer(RTM_NEWLINK, NLM_F_DUMP_INTR, 1, 0);
	answer(NLMSG_DONE, 0, 1, 0);
	assert_int_equal(dump_links(&n), 1);
	assert_int_equal(n, 2);
	answer(RTM_NEWLINK, 0, 1, 0); /* of the question before */
	answer(RTM_NEWLINK, 0, 2, 0);
	answer(NLMSG_NOOP, 0, 2, 0);
	answer(NLMSG_DONE, 0, 2, 0);
	assert_int_equal(dump_links(&n), 0);
	assert_int_equal(n, 1);
	answer(NLMSG_DONE, NLM_F_DUMP_INTR, 3, 0);
	assert_int_equal(dump_links(&n), 1);
	fake_done();
}

static void the_kernels_error_is_passed_on(void **state)
{
	unsigned n;

	(void)state;
	fake_kernel();
	answer(NLMSG_ERROR, 0, 1, -ENOENT);
	assert_int_equal(dump_links(&n), -ENOENT);
	answer(RTM_NEWLINK, 0, 2, 0);
	answer(NLMSG_DONE, 0, 2, -EPERM);
	assert_int_equal(dump_links(&n), -EPERM);
	assert_int_equal(n, 1);
	assert_true(rtnl.fd >= 0); /* nothing is left on the way */
	answer(NLMSG_ERROR, 0, 3, 0);
	assert_int_equal(dump_links(&n), 0);
	fake_done();
}

static void silence_and_nonsense_end_the_question(void **state)
{
	static char large[RTNL_BUFFER_SIZE + 1];
	unsigned n;

	(void)state;
	fake_kernel();
	answer(RTM_NEWLINK, 0, 1, 0);
	assert_int_equal(dump_links(&n), -ETIMEDOUT);
	assert_int_equal(rtnl.fd, -1);
	fake_done();

	fake_kernel();
	assert_int_equal(send(kernel_end, large, sizeof(large), 0), sizeof(large));
	assert_int_equal(dump_links(&n), -EMSGSIZE);
	assert_int_equal(rtnl.fd, -1);
	fake_done();

	/* Every length that a header can claim beside the 20 bytes that come. */
	for (uint32_t len = 0; len < 40; len++) {
		struct nlmsghdr m = { .nlmsg_len = len, .nlmsg_type = RTM_NEWLINK, .nlmsg_seq = 1 };

		fake_kernel();
		memcpy(large, &m, sizeof(m));
		assert_int_equal(send(kernel_end, large, 20, 0), 20);
		/* Padded, 17 to 20 are what came, and more is waited for. */
		assert_int_equal(dump_links(&n), len >= 17 && len <= 20 ? -ETIMEDOUT : -EBADMSG);
		fake_done();
	}

	fake_kernel();
	assert_int_equal(shutdown(kernel_end, SHUT_WR), 0);
	assert_int_equal(dump_links(&n), -EBADMSG);
	fake_done();
}

/* CVE-2012-2669: what another program sends to our socket is not the kernel's answer. */
static void only_the_kernel_is_listened_to(void **state)
{
	struct sockaddr_nl to;
	socklen_t len = sizeof(to);
	unsigned n;

	(void)state;
	need_namespace();
	rtnl_init(&rtnl, -1);
	assert_int_equal(rtnl_open(&rtnl), 0);
	assert_int_equal(getsockname(rtnl.fd, (struct sockaddr *)&to, &len), 0);
	for (uint32_t seq = 1; seq < 4; seq++) {
		struct nlmsghdr *m = mnl_nlmsg_put_header(request);

		m->nlmsg_type = NLMSG_DONE;
		m->nlmsg_seq = seq;
		assert_int_equal(sendto(mnl_socket_get_fd(fx.socket), m, m->nlmsg_len, 0,
					(struct sockaddr *)&to, sizeof(to)),
				 m->nlmsg_len);
	}
	assert_int_equal(dump_links(&n), 0);
	assert_true(n >= 1); /* lo */
	rtnl_done(&rtnl);
}

static void a_lost_socket_is_opened_again(void **state)
{
	unsigned n;

	(void)state;
	rtnl_init(&rtnl, -1);
	assert_int_equal(dump_links(&n), 0);
	assert_true(n >= 1);
	rtnl_done(&rtnl);
	assert_int_equal(dump_links(&n), 0);
	rtnl_done(&rtnl);
}

int main(void)
{
#define NET_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
#define ETH0_TEST(t) cmocka_unit_test_setup_teardown(t, setup_eth0, teardown_eth0)
	const struct CMUnitTest tests[] = {
		ETH0_TEST(a_machine_without_routes_has_no_gateways),
		ETH0_TEST(lists_have_what_can_be_reached),
		ETH0_TEST(a_long_list_is_cut_between_addresses),
		ETH0_TEST(an_adapter_is_found_however_its_mac_is_written),
		ETH0_TEST(everything_about_an_adapter_is_told),
		ETH0_TEST(of_a_point_to_point_link_this_end_is_told),
		ETH0_TEST(a_lease_means_dhcp),
		ETH0_TEST(only_sixty_four_addresses_are_told),
		ETH0_TEST(of_twins_the_one_with_addresses_is_meant),
		ETH0_TEST(no_question_allocates),
		NET_TEST(a_device_id_names_its_interface),
		cmocka_unit_test(an_interrupted_dump_is_told_apart),
		cmocka_unit_test(the_kernels_error_is_passed_on),
		cmocka_unit_test(silence_and_nonsense_end_the_question),
		cmocka_unit_test(only_the_kernel_is_listened_to),
		cmocka_unit_test(a_lost_socket_is_opened_again),
		ETH0_TEST(more_interfaces_than_the_table_holds), /* last: leaves them behind */
	};

	return cmocka_run_group_tests_name("net", tests, group_setup, group_teardown);
}
