/* SPDX-License-Identifier: GPL-2.0-only */
/* What the guest says it is, from a system made of files. */
#include "daemon/osinfo.h"

#include <arpa/inet.h>
#include <sys/utsname.h>

#include "daemon/host_name.h"
#include "daemon/os_release.h"
#include "daemon/rdp.h"
#include "tests/unit/alloc_count.h"
#include "tests/unit/temp_dir.h"

/* Linux hv_kvp_daemon.c, in its order. */
static const char *const linux_keys[] = {
	"FullyQualifiedDomainName", "IntegrationServicesVersion", "NetworkAddressIPv4",
	"NetworkAddressIPv6",	    "OSBuildNumber",		  "OSName",
	"OSMajorVersion",	    "OSMinorVersion",		  "OSVersion",
	"ProcessorArchitecture",
};

struct fixture {
	struct temp_dir root;
	int fd;
	struct net *net;
	struct osinfo *osinfo;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->root = temp_dir_new();
	f->fd = open(f->root.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(net_new(f->root.path, &f->net), 0);
	assert_int_equal(osinfo_new(f->root.path, "10.1", f->net, &f->osinfo), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	osinfo_free(f->osinfo);
	net_free(f->net);
	close(f->fd);
	temp_dir_done(&f->root);
	free(f);
	return 0;
}

static void assert_item(struct fixture *f, uint32_t index, const char *key, const char *value)
{
	struct kvp_record r, by_key;

	memset(&r, 0xee, sizeof(r));
	assert_int_equal(osinfo_enumerate(f->osinfo, index, &r), 0);
	assert_string_equal(r.key, key);
	if (value)
		assert_string_equal(r.value, value);
	for (size_t i = strlen(r.key); i < sizeof(r.key); i++)
		assert_int_equal(r.key[i], 0);
	for (size_t i = strlen(r.value); i < sizeof(r.value); i++)
		assert_int_equal(r.value[i], 0);
	memset(&by_key, 0xee, sizeof(by_key));
	strcpy(by_key.key, key);
	assert_int_equal(osinfo_get(f->osinfo, &by_key), 0);
	assert_string_equal(by_key.value, r.value);
}

static void assert_end(struct fixture *f, uint32_t index)
{
	struct kvp_record r;

	assert_int_equal(osinfo_enumerate(f->osinfo, index, &r), -ENODATA);
	assert_int_equal(osinfo_enumerate(f->osinfo, index + 1, &r), -ENODATA);
	assert_int_equal(osinfo_enumerate(f->osinfo, UINT32_MAX, &r), -ENODATA);
}

static void the_ten_linux_keys_come_first_even_of_an_empty_system(void **state)
{
	struct fixture *f = *state;
	struct utsname u;
	char version[sizeof(u.release)];

	assert_int_equal(uname(&u), 0);
	strcpy(version, u.release);
	version[strcspn(version, "-")] = '\0';
	for (uint32_t i = 0; i < ARRAY_LEN(linux_keys); i++)
		assert_item(f, i, linux_keys[i], NULL);
	assert_item(f, 1, "IntegrationServicesVersion", "10.1");
	assert_item(f, 4, "OSBuildNumber", u.release);
	assert_item(f, 5, "OSName", u.sysname);
	assert_item(f, 6, "OSMajorVersion", "");
	assert_item(f, 7, "OSMinorVersion", "");
	assert_item(f, 8, "OSVersion", version);
#if defined(__i386__)
	assert_item(f, 9, "ProcessorArchitecture", "x86");
#else
	assert_item(f, 9, "ProcessorArchitecture", u.machine);
#endif
	assert_end(f, 10);
}

static void os_release_is_read_again_when_it_changes(void **state)
{
	struct fixture *f = *state;

	temp_dir_put(&f->root, "usr/lib/os-release", "NAME=Vendor\nVERSION_ID=1\n");
	assert_item(f, 5, "OSName", "Vendor");
	temp_dir_put(&f->root, "etc/os-release", "NAME=\"Local Linux\"\nVERSION_ID=\"24.04\"\n");
	assert_item(f, 5, "OSName", "Local Linux");
	assert_item(f, 6, "OSMajorVersion", "24.04");
	temp_dir_put(&f->root, "etc/os-release", "NAME=Other\nVERSION_ID=\"rolling\"\n");
	assert_item(f, 5, "OSName", "Other");
	assert_item(f, 6, "OSMajorVersion", "rolling");
}

static void an_edition_adds_the_keys_that_it_answers(void **state)
{
	static const struct {
		const char *variant, *product;
	} rows[] = {
		{ "server", "3" },   { "workstation", "1" }, { "desktop", "1" },
		{ "silverblue", NULL }, { "server2", NULL },
	};
	struct fixture *f = *state;
	struct kvp_record r = { .key = "OSEditionId" };

	assert_int_equal(osinfo_get(f->osinfo, &r), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "VARIANT_ID=%s\n", rows[i].variant);
		temp_dir_put(&f->root, "etc/os-release", text);
		assert_item(f, 9, linux_keys[9], NULL);
		assert_item(f, 10, "OSEditionId", rows[i].variant);
		if (rows[i].product)
			assert_item(f, 11, "ProductType", rows[i].product);
		assert_end(f, rows[i].product ? 12 : 11);
	}
}

static void os_release_is_parsed_as_its_manual_says(void **state)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{ "NAME=plain", "plain" },
		{ "NAME=plain \r\n", "plain" },
		{ "  NAME=indented\n", "indented" },
		{ "NAME=\"Red Hat Enterprise Linux\"\n", "Red Hat Enterprise Linux" },
		{ "NAME='single \\ \"'\n", "single \\ \"" },
		{ "NAME=\"a \\\"b\\\" \\$c \\`d\\` \\\\ \\n\"\n", "a \"b\" $c `d` \\ \\n" },
		{ "NAME=a\\ b\n", "a b" },
		{ "NAME=\n", "" },
		{ "NAME=\"\"\n", "" },
		{ "#NAME=no\n", "" },
		{ "NAME=one\nNAME=two\n", "two" },
		{ "PRETTY_NAME=no\nXNAME=no\nNAME2=no\n", "" },
		/* Not an assignment: left out, not guessed at. */
		{ "NAME=\"open\n", "" },
		{ "NAME=\"a\" b\n", "" },
		{ "NAME=a b\n", "" },
		{ "NAME='a'b'\n", "" },
		{ "NAME=a\"b\"\n", "" },
		{ "NAME\n=\n\n", "" },
		{ "NAME=\"ends in \\", "" },
		{ "NAME = spaced\n", "" },
		{ "NAME=good\nNAME=\"bad\n", "good" },
	};
	struct fixture *f = *state;
	struct os_release o;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		temp_dir_put(&f->root, "etc/os-release", rows[i].text);
		os_release_read(f->fd, os_release_path(f->fd), &o);
		assert_string_equal(o.name, rows[i].name);
	}
}

static void long_lines_are_left_out(void **state)
{
	static char text[3 * LINE_SIZE];
	struct fixture *f = *state;
	struct os_release o;

	for (size_t len = LINE_SIZE - 12; len < LINE_SIZE + 4; len++) {
		size_t n = (size_t)sprintf(text, "NAME=x\nPRETTY_NAME=");

		memset(text + n, 'x', len);
		strcpy(text + n + len, "\nNAME=after\nVERSION_ID=1");
		temp_dir_put(&f->root, "etc/os-release", text);
		os_release_read(f->fd, "etc/os-release", &o);
		assert_string_equal(o.name, "after");
		assert_string_equal(o.version_id, "1");
		/* The last line, and no newline. */
		text[n + len] = '\0';
		temp_dir_put(&f->root, "etc/os-release", text);
		os_release_read(f->fd, "etc/os-release", &o);
		assert_string_equal(o.name, "x");
	}
	/* An assignment where the buffer ends is none, but the middle of a long line. */
	(void)sprintf(text, "NAME=x\n%0*dNAME=tail\n", LINE_SIZE - 1, 0);
	temp_dir_put(&f->root, "etc/os-release", text);
	os_release_read(f->fd, "etc/os-release", &o);
	assert_string_equal(o.name, "x");
	/* A value that is longer than its field is cut. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "NAME=", 5);
	text[1000] = '\0';
	temp_dir_put(&f->root, "etc/os-release", text);
	os_release_read(f->fd, "etc/os-release", &o);
	assert_int_equal(strlen(o.name), sizeof(o.name) - 1);
}

static void the_full_name_comes_from_hosts_and_never_from_dns(void **state)
{
	static const struct {
		const char *hosts, *host, *full;
	} rows[] = {
		{ "", "vm", "vm" },
		{ "127.0.1.1 vm.example.com vm\n", "vm", "vm.example.com" },
		{ "127.0.1.1\tVM.example.com\tvm # vm2", "vm2", "vm2" },
		{ "127.0.1.1\tvm.example.com  Vm", "vm", "vm.example.com" },
		{ "# 10.0.0.1 no.example.com vm\n10.0.0.2 yes.example.com alias vm\n", "vm",
		  "yes.example.com" },
		{ "127.0.0.1 localhost vm\n10.0.0.2 vm.example.com vm\n", "vm", "vm.example.com" },
		{ "127.0.0.1 localhost.localdomain vm\n", "vm", "vm" },
		{ "127.0.0.1 vm\n", "vm", "vm" },
		{ "10.0.0.1 other.example.com other\n10.0.0.1\n\n", "vm", "vm" },
		{ "10.0.0.1 vm.example.com vm\n", "vm.inner.org", "vm.inner.org" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct host_name h = { 0 };

		temp_dir_put(&f->root, "etc/hosts", rows[i].hosts);
		assert_string_equal(host_name_look_up(&h, f->fd, rows[i].host), rows[i].full);
	}
}

static void the_full_name_follows_both_of_its_sources(void **state)
{
	struct fixture *f = *state;
	struct host_name h = { 0 };

	assert_string_equal(host_name_look_up(&h, f->fd, "vm"), "vm");
	temp_dir_put(&f->root, "etc/hosts", "10.0.0.1 vm.example.com vm\n10.0.0.2 b.org b\n");
	assert_string_equal(host_name_look_up(&h, f->fd, "vm"), "vm.example.com");
	assert_string_equal(host_name_look_up(&h, f->fd, "b"), "b.org");
	assert_string_equal(host_name_look_up(&h, f->fd, "vm"), "vm.example.com");
	temp_dir_put(&f->root, "etc/hosts", "10.0.0.1 vm.example.net.longer vm\n");
	assert_string_equal(host_name_look_up(&h, f->fd, "vm"), "vm.example.net.longer");
	assert_string_equal(host_name_look_up(&h, f->fd, "b"), "b");
}

/* --- remote desktop --- */

#define TCP_HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
#define TCP6_HEAD "  sl  local_address                         remote_address    st tx_queue\n"
#define NOBODY6 "00000000000000000000000000000000:0000"

static void what_listens_for_rdp_is_published(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r = { .key = "RDPAddressIPv4" };

	/* 3389 is 0D3D; not listening (01), another port, this machine only: nothing. The words are
	 * as a little-endian kernel prints them. */
	temp_dir_put(&f->root, "proc/self/net/tcp",
		     TCP_HEAD "   0: 00000000:0016 00000000:0000 0A 00000000:00000000\n"
			      "   1: 0100007F:0D3D 00000000:0000 0A 00000000:00000000\n"
			      "   2: 070200C0:0D3D 080200C0:1234 01 00000000:00000000\n");
	assert_int_equal(osinfo_get(f->osinfo, &r), -ENOENT);
	assert_end(f, 10);

	temp_dir_put(&f->root, "proc/self/net/tcp",
		     TCP_HEAD "   0: 0100007F:0D3D 00000000:0000 0A 00000000:00000000\n"
			      "   1: 070200C0:0D3D 00000000:0000 0A 00000000:00000000\n"
			      "   2: 080200C0:0D3D 00000000:0000 0A 00000000:00000000\n");
	assert_item(f, 10, "RDPAddressIPv4", "192.0.2.7;192.0.2.8");
	assert_end(f, 11);

	/* [2001:db8::7], the loopback, and 192.0.2.9 in its mapped form */
	temp_dir_put(&f->root, "proc/self/net/tcp", TCP_HEAD);
	temp_dir_put(&f->root, "proc/self/net/tcp6",
		     TCP6_HEAD "   0: B80D0120000000000000000007000000:0D3D " NOBODY6 " 0A 0:0\n"
			       "   1: 00000000000000000000000001000000:0D3D " NOBODY6 " 0A 0:0\n"
			       "   2: 0000000000000000FFFF0000090200C0:0D3D " NOBODY6 " 0A 0:0\n");
	assert_item(f, 10, "RDPAddressIPv4", "192.0.2.9");
	assert_item(f, 11, "RDPAddressIPv6", "2001:db8::7");
	assert_end(f, 12);
	assert_int_equal(osinfo_network(f->osinfo), 1);
}

static void a_listener_on_any_address_has_all_of_them(void **state)
{
	struct fixture *f = *state;
	char all4[1024], all6[1024], text[1024];

	assert_int_equal(net_list_addresses(f->net, AF_INET, all4, sizeof(all4)), 0);
	assert_int_equal(net_list_addresses(f->net, AF_INET6, all6, sizeof(all6)), 0);
	temp_dir_put(&f->root, "proc/self/net/tcp",
		     TCP_HEAD "   0: 00000000:0D3D 00000000:0000 0A 00000000:00000000\n");
	assert_int_equal(rdp_list_addresses(f->fd, f->net, AF_INET, text, sizeof(text)), 0);
	assert_string_equal(text, all4);
	assert_int_equal(rdp_list_addresses(f->fd, f->net, AF_INET6, text, sizeof(text)), 0);
	assert_string_equal(text, "");

	temp_dir_put(&f->root, "proc/self/net/tcp", TCP_HEAD);
	temp_dir_put(&f->root, "proc/self/net/tcp6", TCP6_HEAD "   0: " NOBODY6 " " NOBODY6 " 0A\n");
	assert_int_equal(rdp_list_addresses(f->fd, f->net, AF_INET6, text, sizeof(text)), 0);
	assert_string_equal(text, "");
	temp_dir_put(&f->root, "proc/self/net/tcp6",
		     TCP6_HEAD "   0: 00000000000000000000000000000000:0D3D " NOBODY6 " 0A\n");
	assert_int_equal(rdp_list_addresses(f->fd, f->net, AF_INET6, text, sizeof(text)), 0);
	assert_string_equal(text, all6);
	assert_int_equal(rdp_list_addresses(f->fd, f->net, AF_INET, text, sizeof(text)), 0);
	assert_string_equal(text, all4);
}

static void rows_that_are_none_are_left_out(void **state)
{
	static const char *const rows[] = {
		"\n", "0:\n", "0: 1\n", "0: 00000000:0D3D\n", "0: 00000000:0D3D x\n",
		"0: 00000000:0D3D x y\n", "0: 0000000:0D3D x 0A\n", "0: 00000000 x 0A\n",
		"0: 000000000:0D3D x 0A\n", "0: zz000000:zz x 0A\n",
	};
	struct fixture *f = *state;
	char text[1024];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		temp_dir_put(&f->root, "proc/self/net/tcp", rows[i]);
		assert_int_equal(rdp_list_addresses(f->fd, f->net, AF_INET, text, sizeof(text)), 0);
		assert_string_equal(text, "");
	}
}

static void no_request_allocates(void **state)
{
	struct fixture *f = *state;
	struct kvp_record r;
	size_t allocated;
	int ended = 0;

	temp_dir_put(&f->root, "etc/os-release", "NAME=a\nVARIANT_ID=server\n");
	temp_dir_put(&f->root, "etc/hosts", "10.0.0.1 vm.example.com vm\n");
	temp_dir_put(&f->root, "proc/self/net/tcp", TCP_HEAD "   0: 070200C0:0D3D 00000000:0000 0A\n");
	alloc_count_check();
	allocated = alloc_count;
	for (uint32_t i = 0; i < 14; i++)
		ended += osinfo_enumerate(f->osinfo, i, &r) == -ENODATA;
	assert_int_equal(alloc_count, allocated);
	assert_int_equal(ended, 1); /* ten, OSEditionId, ProductType, RDPAddressIPv4 */
}

static void a_root_that_is_not_there_is_refused(void **state)
{
	struct osinfo *o = NULL;
	struct net *n = NULL;

	(void)state;
	assert_int_equal(osinfo_new("/nonexistent", "1", NULL, &o), -ENOENT);
	assert_null(o);
	assert_int_equal(net_new("/nonexistent", &n), -ENOENT);
	assert_null(n);
	assert_null(osinfo_free(NULL));
	assert_null(net_free(NULL));
}

int main(void)
{
#define OSINFO_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		OSINFO_TEST(the_ten_linux_keys_come_first_even_of_an_empty_system),
		OSINFO_TEST(os_release_is_read_again_when_it_changes),
		OSINFO_TEST(an_edition_adds_the_keys_that_it_answers),
		OSINFO_TEST(os_release_is_parsed_as_its_manual_says),
		OSINFO_TEST(long_lines_are_left_out),
		OSINFO_TEST(the_full_name_comes_from_hosts_and_never_from_dns),
		OSINFO_TEST(the_full_name_follows_both_of_its_sources),
		OSINFO_TEST(what_listens_for_rdp_is_published),
		OSINFO_TEST(a_listener_on_any_address_has_all_of_them),
		OSINFO_TEST(rows_that_are_none_are_left_out),
		OSINFO_TEST(no_request_allocates),
		cmocka_unit_test(a_root_that_is_not_there_is_refused),
	};

	return cmocka_run_group_tests_name("osinfo", tests, NULL, NULL);
}
