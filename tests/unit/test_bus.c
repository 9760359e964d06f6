/* SPDX-License-Identifier: GPL-2.0-only */
/* The objects on the bus: what they show, what they do, what they tell, and that they come back. */
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "hv_util/kvp.h"
#include "tests/unit/bus_harness.h"

static struct bus_fixture f;

static int set_up(void **state)
{
	(void)state;
	fixture_start(&f);
	authority.caller = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_done(&f);
	return 0;
}

/* --- what is shown --- */

static void the_manager_shows_the_daemon(void **state)
{
	char transport[200];

	(void)state;
	assert_string_equal(property(&f, MANAGER, "Version"), "<'" VMICD_VERSION "'>");
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	assert_string_equal(property(&f, MANAGER, "DryRun"), "<false>");
	assert_string_equal(property(&f, MANAGER, "ApplicationState"), "<'unknown'>");
	assert_string_equal(property(&f, MANAGER, "HostReleases"), "<['2016' '2019' '2022' '2025']>");
	assert_non_null(strstr(property(&f, MANAGER, "Profiles"),
			       "<[('legacy' 'a guest from before Windows 10 and Server 2016') ('ws2008' "));
	(void)snprintf(transport, sizeof(transport), "<'%s'>", f.transport);
	assert_string_equal(property(&f, MANAGER, "Transport"), transport);
}

static const struct {
	const char *name, *expected;
} of_timesync[] = {
	{ "Name", "<'TimeSync'>" },
	{ "Title", "<'Time Synchronization'>" },
	{ "Served", "<true>" },
	{ "State", "<'running'>" },
	{ "Profile", "<'legacy'>" },
	{ "Overridden", "<false>" },
	{ "AdmittedFramework", "<[(3 0) (1 0)]>" },
	{ "AdmittedMessage", "<[(3 0) (1 0)]>" },
	{ "OfferedFramework", "<[(1 0) (3 0)]>" },
	{ "OfferedMessage", "<[(1 0) (3 0) (4 0)]>" },
	{ "Outcome", "<'agreed'>" },
	{ "Answer", "<(3 0 3 0)>" },
	{ "LastError", "<''>" },
	{ "LastErrorTimestamp", "<0>" },
};

static void a_component_shows_its_channel(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of_timesync); i++)
		assert_string_equal(property(&f, COMPONENT("timesync"), of_timesync[i].name),
				    of_timesync[i].expected);
	assert_begins(property(&f, COMPONENT("timesync"), "Counters"), "<[('negotiations' 1) ('requests' ");
}

/* The words are release_report's, which has a test of its own. */
static void a_component_tells_what_hosts_report(void **state)
{
	const char *reports = property(&f, COMPONENT("timesync"), "Reports");

	(void)state;
	assert_begins(reports, "<[('2008' 'OK' '' 'inferred') ");
	assert_non_null(strstr(reports, " ('2012r2' 'OK' '' 'certain') "));
	assert_non_null(strstr(reports, " ('2019' 'OK' 'The protocol version of the component installed "));
	assert_int_equal(manager_set_profile(f.manager, "newest"), 0);
	assert_non_null(strstr(property(&f, COMPONENT("timesync"), "Reports"), " ('2019' 'OK' '' 'certain') "));
	manager_set_application_state(f.manager, HEARTBEAT_HEALTHY);
	assert_non_null(strstr(property(&f, COMPONENT("heartbeat"), "Reports"),
			       " ('2019' 'OK' 'OK' 'inferred') "));
	manager_set_application_state(f.manager, HEARTBEAT_CRITICAL);
	assert_non_null(strstr(property(&f, COMPONENT("heartbeat"), "Reports"),
			       " ('2019' 'OK' '(32782)' 'inferred') "));
}

static void everything_can_be_had_in_one_go(void **state)
{
	static const char *const paths[] = { "('/org/vmicd1' ", "('/org/vmicd1/component/heartbeat' ",
					     "('/org/vmicd1/component/kvp' ",
					     "('/org/vmicd1/component/timesync' " };
	struct answer *all = ask(&f, "/org/vmicd1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");

	(void)state;
	assert_string_equal(all->error, "");
	for (size_t i = 1; i < ARRAY_LEN(paths); i++)
		assert_non_null(strstr(all->text, paths[i]));
	assert_null(strstr(all->text, "component/vss"));
}

/* --- what can be done --- */

static void a_profile_is_put_in_force(void **state)
{
	uint64_t began;

	(void)state;
	settle(&f);
	began = usec_now();
	assert_answer(&f, "", MANAGER, "SetProfile", "s", "newest");
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'newest'>");
	(void)await_signal(&f, "component/timesync Negotiated 'agreed' (3 0 4 0)");
	assert_true(usec_now() - began < 2000000);
	assert_true(heard_from(0, "- ConfigurationChanged ") >= 0);
	assert_true(heard_from(0, "- PropertiesChanged 'org.vmicd1.Manager' [('Profile' <'newest'>) ") >= 0);
	assert_true(heard_from(0, "component/timesync Lost ") >= 0);
	assert_true(heard_from(0, "component/timesync Lost ") <
		    heard_from(0, "component/timesync Negotiated "));
	assert_string_equal(property(&f, COMPONENT("timesync"), "Answer"), "<(3 0 4 0)>");
	assert_string_equal(property(&f, COMPONENT("timesync"), "Profile"), "<'newest'>");
}

static const struct {
	const char *name;
	bool of_configuration; /* or else of the channel */
} told[] = {
	{ "State", false },          { "OfferedFramework", false }, { "OfferedMessage", false },
	{ "Outcome", false },        { "Answer", false },           { "LastError", false },
	{ "LastErrorTimestamp", false }, { "Served", true },        { "Profile", true },
	{ "Overridden", true },      { "AdmittedFramework", true }, { "AdmittedMessage", true },
};

static void assert_told(const char *signal, bool configured)
{
	for (size_t i = 0; i < ARRAY_LEN(told); i++) {
		char name[40];

		(void)snprintf(name, sizeof(name), "('%s' ", told[i].name);
		if ((strstr(signal, name) != NULL) != (configured || !told[i].of_configuration))
			fail_msg("%s: %s", told[i].name, signal);
	}
}

static void what_has_changed_is_told(void **state)
{
	int i;

	(void)state;
	settle(&f);
	assert_answer(&f, "", MANAGER, "Renegotiate", "s", "kvp");
	i = await_signal(&f, "component/kvp PropertiesChanged 'org.vmicd1.Component' ");
	assert_told(heard.text[i], false);
	/* In the middle of that. What was told before the answer came before it. */
	assert_answer(&f, "", MANAGER, "SetProfile", "s", "newest");
	heard.n = 0;
	i = await_signal(&f, "component/kvp PropertiesChanged 'org.vmicd1.Component' ");
	assert_told(heard.text[i], true);
}

static void a_profile_that_there_is_not_is_refused(void **state)
{
	(void)state;
	assert_error(&f, "org.vmicd1.Error.NoSuchProfile", MANAGER, "SetProfile", "s", "nobody");
	assert_error(&f, "org.vmicd1.Error.NoSuchProfile", MANAGER, "SetProfile", "s", "");
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
}

static void a_configuration_that_is_wrong_changes_nothing(void **state)
{
	struct answer *a;

	(void)state;
	temp_dir_put(&f.bus.dir, "conf", "[Negotiation]\nProfile=nobody\n");
	a = ask(&f, MANAGER, "Reload", "");
	assert_string_equal(a->error, "org.vmicd1.Error.InvalidConfiguration");
	assert_non_null(strstr(a->text, "conf:2"));
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
}

/* Who sets a profile asks for that, and for nothing else that somebody has written into the files since. */
static void a_profile_is_set_whatever_became_of_the_files(void **state)
{
	static const char *const texts[] = { "[KVP]\nNonsense=1\n", "[KVP]\nEnable=no\nVersions=3.0\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		temp_dir_put(&f.bus.dir, "conf", texts[i]);
		assert_answer(&f, "", MANAGER, "SetProfile", "s", i == 0 ? "newest" : "ws2012");
		assert_string_equal(property(&f, MANAGER, "Profile"), i == 0 ? "<'newest'>" : "<'ws2012'>");
		assert_string_equal(property(&f, COMPONENT("kvp"), "Served"), "<true>");
		assert_string_equal(property(&f, COMPONENT("kvp"), "Overridden"), "<false>");
	}
	assert_answer(&f, "", MANAGER, "Reload", "");
	assert_string_equal(property(&f, COMPONENT("kvp"), "Served"), "<false>");
}

static void the_configuration_is_read_again(void **state)
{
	char text[300];

	(void)state;
	settle(&f);
	(void)snprintf(text, sizeof(text), "[Negotiation]\nProfile=linux\n[KVP]\nPoolDirectory=%s\nEnable=no\n"
		       "[Heartbeat]\nEnable=no\n[TimeSync]\nEnable=no\n", f.pools);
	temp_dir_put(&f.bus.dir, "conf", text);
	assert_answer(&f, "", MANAGER, "Reload", "");
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'linux'>");
	(void)await_signal(&f, "- ConfigurationChanged ");
	(void)await_signal(&f, "component/kvp Lost ");
	assert_string_equal(property(&f, COMPONENT("kvp"), "Served"), "<false>");
	assert_string_equal(property(&f, COMPONENT("kvp"), "State"), "<'idle'>");
	assert_string_equal(property(&f, COMPONENT("kvp"), "OfferedMessage"), "<[]>");
	assert_non_null(strstr(property(&f, COMPONENT("kvp"), "Reports"), "('2019' 'No Contact' '' 'certain')"));
	(void)await_signal(&f, "component/kvp PropertiesChanged 'org.vmicd1.Component' [('State' <'idle'>) ");
	/* It is the same host, though it has no channel to show for it. */
	assert_string_equal(property(&f, MANAGER, "HostReleases"), "<['2016' '2019' '2022' '2025']>");
	assert_error(&f, "org.vmicd1.Error.NotOpen", MANAGER, "Renegotiate", "s", "kvp");
	assert_error(&f, "org.vmicd1.Error.NotOpen", COMPONENT("kvp"), "Renegotiate", "");
}

static void a_component_negotiates_again(void **state)
{
	(void)state;
	settle(&f);
	assert_answer(&f, "", MANAGER, "Renegotiate", "s", "KVP");
	(void)await_signal(&f, "component/kvp Lost ");
	(void)await_signal(&f, "component/kvp Negotiated 'agreed' (3 0 5 0)");
	assert_true(comes_true(&f, all_run));
	assert_begins(property(&f, COMPONENT("kvp"), "Counters"), "<[('negotiations' 2) ");
	assert_answer(&f, "", COMPONENT("kvp"), "Renegotiate", "");
	assert_true(comes_true(&f, all_run));
	assert_begins(property(&f, COMPONENT("kvp"), "Counters"), "<[('negotiations' 3) ");
	assert_begins(property(&f, COMPONENT("heartbeat"), "Counters"), "<[('negotiations' 1) ");
	assert_answer(&f, "", MANAGER, "Renegotiate", "s", "");
	assert_true(comes_true(&f, all_run));
	assert_begins(property(&f, COMPONENT("heartbeat"), "Counters"), "<[('negotiations' 2) ");
	assert_error(&f, "org.vmicd1.Error.NoSuchComponent", MANAGER, "Renegotiate", "s", "vss");
	assert_error(&f, "org.vmicd1.Error.NoSuchComponent", MANAGER, "Renegotiate", "s", "nonsense");
}

static void the_state_of_the_applications_is_set(void **state)
{
	(void)state;
	settle(&f);
	assert_answer(&f, "", MANAGER, "SetApplicationState", "s", "critical");
	assert_string_equal(property(&f, MANAGER, "ApplicationState"), "<'critical'>");
	(void)await_signal(&f, "- PropertiesChanged 'org.vmicd1.Manager' [('Profile' <'legacy'>) "
			       "('ApplicationState' <'critical'>)]");
	/* Nothing has happened to a channel. */
	run_for(&f, 200000);
	assert_int_equal(heard_from(0, "component/heartbeat Negotiated"), -1);
	assert_int_equal(heard_from(0, "component/heartbeat Lost"), -1);
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "SetApplicationState", "s", "well");
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "SetApplicationState", "s", "");
	assert_string_equal(property(&f, MANAGER, "ApplicationState"), "<'critical'>");
}

static void nobody_sets_a_property(void **state)
{
	(void)state;
	assert_error(&f, "org.freedesktop.DBus.Error.PropertyReadOnly", "/org/vmicd1",
		     "org.freedesktop.DBus.Properties", "Set", "ssv", "org.vmicd1.Manager", "Profile", "s",
		     "newest");
}

/* --- key-value pairs --- */

#define KEY_255 "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
		"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
		"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk" \
		"kkkkkkkkkkkkkkk"

static void a_pair_is_set_shown_and_deleted(void **state)
{
	(void)state;
	assert_answer(&f, "[]", MANAGER, "KvpList", "u", 1u);
	assert_error(&f, "org.vmicd1.Error.NoSuchKey", MANAGER, "KvpGet", "s", "one");
	assert_error(&f, "org.vmicd1.Error.NoSuchKey", MANAGER, "KvpDelete", "s", "one");
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", "one", "1");
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", "two", "");
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", KEY_255, "3");
	assert_answer(&f, "'1'", MANAGER, "KvpGet", "s", "one");
	assert_answer(&f, "''", MANAGER, "KvpGet", "s", "two");
	assert_answer(&f, "[('one' '1') ('two' '') ('" KEY_255 "' '3')]", MANAGER, "KvpList", "u", 1u);
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", "one", "eins");
	assert_answer(&f, "", MANAGER, "KvpDelete", "s", "two");
	assert_answer(&f, "[('one' 'eins') ('" KEY_255 "' '3')]", MANAGER, "KvpList", "u", 1u);
}

static void other_pools_are_listed_only(void **state)
{
	(void)state;
	settle(&f);
	assert_non_null(strstr(ask(&f, MANAGER, "KvpList", "u", 3u)->text, "('VirtualMachineName' 'vmicd')"));
	assert_non_null(strstr(ask(&f, MANAGER, "KvpList", "u", 2u)->text,
			       "('IntegrationServicesVersion' '" VMICD_VERSION "')"));
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpList", "u", 4u);
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpList", "u", UINT32_MAX);
	assert_error(&f, "org.vmicd1.Error.NoSuchKey", MANAGER, "KvpGet", "s", "VirtualMachineName");
}

static void a_pair_that_the_host_could_not_be_told_is_refused(void **state)
{
	char text[3000];

	(void)state;
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpSet", "ss", "", "1");
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpSet", "ss", "k" KEY_255, "1");
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpGet", "s", "k" KEY_255);
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpDelete", "s", "");
	memset(text, 'v', sizeof(text));
	text[1024] = '\0';
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpSet", "ss", "key", text);
	text[1023] = '\0';
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", "key", text);
	/* Units of UTF-16 count, and bytes: 682 signs of three bytes each are 2046. */
	for (unsigned i = 0; i < 683; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 4);
	assert_error(&f, "org.freedesktop.DBus.Error.InvalidArgs", MANAGER, "KvpSet", "ss", "key", text);
	text[3 * 682] = '\0';
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", "key", text);
}

static void write_pool(unsigned pool, const struct kvp_record *records, size_t n)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "pools/.kvp_pool_%u", pool);
	temp_dir_write(&f.bus.dir, name, records, n * sizeof(*records));
}

static void what_others_wrote_is_shown_as_text(void **state)
{
	struct kvp_record r[] = { { "k\xffy", "\x80" }, { "", "" } };

	(void)state;
	memset(r[1].key, 'x', sizeof(r[1].key));
	memset(r[1].value, 0xc3, sizeof(r[1].value));
	write_pool(1, r, 2);
	assert_begins(ask(&f, MANAGER, "KvpList", "u", 1u)->text, "[('k\xef\xbf\xbdy' '\xef\xbf\xbd') ('xxxxx");
	/* The bus would have hung up on text that is none. */
	assert_true(daemon_is_there(&f));
}

static void a_pool_of_too_many_pairs_is_not_listed(void **state)
{
	static struct kvp_record r[1025];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(r); i++)
		(void)snprintf(r[i].key, sizeof(r[i].key), "%u", i);
	write_pool(1, r, 1025);
	assert_error(&f, "org.freedesktop.DBus.Error.LimitsExceeded", MANAGER, "KvpList", "u", 1u);
	assert_answer(&f, "''", MANAGER, "KvpGet", "s", "1024");
	write_pool(1, r, 1024);
	assert_begins(ask(&f, MANAGER, "KvpList", "u", 1u)->text, "[('0' '') ('1' '') ");
}

static int lock_pool(void)
{
	char path[200];
	int fd;

	temp_dir_path(&f.bus.dir, "pools/.kvp_pool_1", path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static void a_locked_pool_is_waited_for(void **state)
{
	static struct answer set, get, list;
	int fd = lock_pool();
	sd_bus_message *m = new_call(f.asker, MANAGER, "KvpSet");

	(void)state;
	assert_true(sd_bus_message_append(m, "ss", "one", "1") >= 0);
	send_call(f.asker, m, &set, NULL);
	m = new_call(f.asker, MANAGER, "KvpGet");
	assert_true(sd_bus_message_append(m, "s", "one") >= 0);
	send_call(f.asker, m, &get, NULL);
	m = new_call(f.asker, MANAGER, "KvpList");
	assert_true(sd_bus_message_append(m, "u", 1u) >= 0);
	send_call(f.asker, m, &list, NULL);
	run_for(&f, 300000);
	assert_true(!set.m && !get.m && !list.m);
	/* Others need not wait. */
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	assert_int_equal(close(fd), 0);
	await(&f, &set);
	await(&f, &get);
	await(&f, &list);
	assert_string_equal(set.error, "");
	/* In which order they are tried again is nobody's business. */
	assert_true(strcmp(get.text, "'1'") == 0 || strcmp(get.error, "org.vmicd1.Error.NoSuchKey") == 0);
	assert_true(strcmp(list.text, "[('one' '1')]") == 0 || strcmp(list.text, "[]") == 0);
	answer_clear(&set);
	answer_clear(&get);
	answer_clear(&list);
}

static void who_waits_for_a_lock_is_forgotten_with_the_bus(void **state)
{
	static struct answer a;
	sd_bus_message *m = new_call(f.asker, MANAGER, "KvpSet");
	int fd;

	(void)state;
	settle(&f);
	fd = lock_pool();
	assert_true(sd_bus_message_append(m, "ss", "one", "1") >= 0);
	send_call(f.asker, m, &a, NULL);
	run_for(&f, 300000);
	/* Without a word on who has left. */
	assert_int_equal(kill(f.bus.pid, SIGKILL), 0);
	private_bus_stop(&f.bus);
	f.asker = sd_bus_close_unref(f.asker);
	answer_clear(&a);
	private_bus_run(&f.bus);
	f.asker = private_bus_connect(&f.bus, f.event);
	assert_true(comes_true(&f, daemon_is_there));
	assert_int_equal(close(fd), 0);
	run_for(&f, 200000);
	assert_error(&f, "org.vmicd1.Error.NoSuchKey", MANAGER, "KvpGet", "s", "one");
}

static void a_pool_that_stays_locked_is_an_error_in_the_end(void **state)
{
	static struct answer a;
	sd_bus_message *m = new_call(f.asker, MANAGER, "KvpGet");
	int fd = lock_pool();

	(void)state;
	assert_true(sd_bus_message_append(m, "s", "one") >= 0);
	send_call(f.asker, m, &a, NULL);
	run_for(&f, 200000);
	assert_null(a.m);
	time_ahead_usec = 10000000;
	await(&f, &a);
	time_ahead_usec = 0;
	assert_string_equal(a.error, "org.vmicd1.Error.Locked");
	answer_clear(&a);
	assert_int_equal(close(fd), 0);
}

/* A disk that is slow: longer than anybody waits for it. */
static atomic_uint disk_usec;

/* Ours instead of the C library's. */
int flock(int fd, int operation)
{
	(void)usleep(disk_usec);
	return (int)syscall(SYS_flock, fd, operation);
}

static void ask_for_a_key(struct answer *a)
{
	static unsigned n;
	sd_bus_message *m = new_call(f.asker, MANAGER, "KvpGet");
	char key[16];

	(void)snprintf(key, sizeof(key), "key %u", n++);
	assert_true(sd_bus_message_append(m, "s", key) >= 0);
	answer_clear(a);
	send_call(f.asker, m, a, NULL);
}

/* The host asks for many things in the beginning. Each takes its time; none fails, or waits for more than one of another's. */
static void who_asks_for_much_keeps_the_host_from_nothing(void **state)
{
	static struct answer answers[8];
	struct channel_view view = { 0 };
	unsigned asked = 0;

	(void)state;
	fixture_prepare(&f, "");
	private_bus_run(&f.bus);
	f.asker = private_bus_connect(&f.bus, f.event);
	disk_usec = 60000;
	host_start(&f);
	daemon_start(&f);
	for (uint64_t until = usec_now() + PATIENCE_USEC; view.counts.requests < 25; asked++) {
		assert_true(usec_now() < until);
		for (size_t i = 0; i < ARRAY_LEN(answers); i++)
			if (asked == 0 || answers[i].m)
				ask_for_a_key(&answers[i]);
		run_for(&f, 5000);
		assert_int_equal(manager_view(f.manager, IC_KVP, &view), 0);
	}
	assert_string_equal(view.last_error, "");
	disk_usec = 0;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		await(&f, &answers[i]);
		assert_string_equal(answers[i].error, "org.vmicd1.Error.NoSuchKey");
		answer_clear(&answers[i]);
	}
	fixture_done(&f);
}

/* One that waits for a lock has had its turn at the disk. */
static void who_waits_for_a_lock_keeps_no_other_from_the_disk(void **state)
{
	static struct answer locked, other;
	sd_bus_message *m;
	int fd;

	(void)state;
	settle(&f);
	fd = lock_pool();
	disk_usec = 60000;
	ask_for_a_key(&locked);
	run_for(&f, 300000);
	m = new_call(f.asker, MANAGER, "KvpList");
	assert_true(sd_bus_message_append(m, "u", 0u) >= 0);
	send_call(f.asker, m, &other, NULL);
	for (uint64_t until = usec_now() + 5000000; !other.m && usec_now() < until;)
		run_for(&f, 10000);
	assert_non_null(other.m);
	assert_string_equal(other.error, "");
	assert_null(locked.m);
	disk_usec = 0;
	assert_int_equal(close(fd), 0);
	await(&f, &locked);
	answer_clear(&locked);
	answer_clear(&other);
}

/* --- what is told --- */

static void it_is_told_who_changed_a_pool(void **state)
{
	const struct kvp_record r = { "VirtualMachineName", "another" };

	(void)state;
	settle(&f);
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", "one", "1");
	(void)await_signal(&f, "- PoolChanged 1");
	assert_int_equal(heard_from(0, "- PoolChanged 0"), -1);
	write_pool(0, &r, 1);
	(void)await_signal(&f, "- PoolChanged 0");
	assert_int_equal(heard_from(0, "- PoolChanged 3"), -1);
	write_pool(3, &r, 1);
	(void)await_signal(&f, "- PoolChanged 3");
	(void)await_signal(&f, "- PropertiesChanged 'org.vmicd1.Manager' [('VirtualMachineName' <'another'>)]");
	assert_string_equal(property(&f, MANAGER, "VirtualMachineName"), "<'another'>");
}

static void a_file_that_is_no_pool_is_nobodys_news(void **state)
{
	(void)state;
	settle(&f);
	temp_dir_put(&f.bus.dir, "pools/.kvp_pool_5", "x");
	temp_dir_put(&f.bus.dir, "pools/.kvp_pool_11", "x");
	temp_dir_put(&f.bus.dir, "pools/kvp_pool_1", "x");
	temp_dir_put(&f.bus.dir, "pools/.kvp_pool_", "x");
	run_for(&f, 300000);
	assert_int_equal(heard.n, 0);
}

static void a_pool_directory_that_comes_back_is_watched(void **state)
{
	const struct kvp_record r = { "one", "1" };
	char from[200], to[200];

	(void)state;
	temp_dir_path(&f.bus.dir, "pools", from, sizeof(from));
	temp_dir_path(&f.bus.dir, "moved", to, sizeof(to));
	settle(&f);
	assert_int_equal(rename(from, to), 0);
	run_for(&f, 100000);
	assert_int_equal(mkdir(from, 0755), 0);
	assert_answer(&f, "", MANAGER, "KvpSet", "ss", "one", "1");
	run_for(&f, 300000);
	heard.n = 0;
	write_pool(0, &r, 1);
	(void)await_signal(&f, "- PoolChanged 0");
}

static void it_is_told_that_the_clock_was_stepped(void **state)
{
	char expected[64];

	(void)state;
	settle(&f);
	clock_steps.steps = 0;
	assert_answer(&f, "", MANAGER, "Renegotiate", "s", "timesync");
	(void)await_signal(&f, "- ClockStepped ");
	assert_int_equal(clock_steps.steps, 1);
	(void)snprintf(expected, sizeof(expected), "- ClockStepped %lld", (long long)clock_steps.ns);
	(void)await_signal(&f, expected);
}

/* It is told, and the service manager is asked; nothing on this machine waits for that here. */
static void it_is_told_that_a_shutdown_is_requested(void **state)
{
	char requests[100], request[128];

	(void)state;
	fixture_prepare(&f, "");
	f.conf.component[IC_SHUTDOWN].enabled = true;
	temp_dir_path(&f.bus.dir, "requests", requests, sizeof(requests));
	temp_dir_path(&f.bus.dir, "requests/poweroff", request, sizeof(request));
	assert_int_equal(mkdir(requests, 0700), 0);
	(void)setenv("RUNTIME_DIRECTORY", requests, 1);
	private_bus_run(&f.bus);
	f.asker = private_bus_connect(&f.bus, f.event);
	listen_to_signals(&f);
	host_start_with(&f, "--shutdown-after", "1");
	daemon_start(&f);
	(void)unsetenv("RUNTIME_DIRECTORY");
	(void)await_signal(&f, "- ShutdownRequested 'poweroff' false 0 'vmichost asks for a shutdown'");
	assert_int_equal(access(request, F_OK), 0);
	fixture_done(&f);
}

/* As often as it happens: when it did last is new each time. */
static void it_is_told_what_went_wrong_last(void **state)
{
	unsigned n = 0;

	(void)state;
	fixture_prepare(&f, "");
	private_bus_run(&f.bus);
	f.asker = private_bus_connect(&f.bus, f.event);
	listen_to_signals(&f);
	host_start_with(&f, "--fault", "truncate:heartbeat=30");
	daemon_start(&f);
	(void)await_signal(&f, "component/heartbeat Negotiated ");
	run_for(&f, 300000);
	heard.n = 0;
	run_for(&f, 2000000);
	for (unsigned i = 0; i < heard.n; i++)
		n += strstr(heard.text[i], "component/heartbeat PropertiesChanged") != NULL &&
			strstr(heard.text[i], "('LastError' <'bad message from the host") != NULL &&
			strstr(heard.text[i], "('LastErrorTimestamp' <") != NULL;
	assert_in_range(n, 2, 21);
	fixture_done(&f);
}

/* The host may do as often as it likes what is told: ten times a second it is. */
static void signals_keep_their_pace(void **state)
{
	unsigned lost = 0, negotiated = 0, most;
	uint64_t began;

	(void)state;
	settle(&f);
	began = usec_now();
	while (usec_now() - began < 1000000) {
		(void)!manager_renegotiate(f.manager, IC_HEARTBEAT);
		run_for(&f, 10000);
	}
	run_for(&f, 200000);
	most = (unsigned)((usec_now() - began) / 100000) + 1;
	for (unsigned i = 0; i < heard.n; i++) {
		lost += strncmp(heard.text[i], "component/heartbeat Lost", 24) == 0;
		negotiated += strncmp(heard.text[i], "component/heartbeat Negotiated", 30) == 0;
	}
	assert_in_range(lost, 3, most);
	assert_in_range(negotiated, 1, most);
}

/* --- the bus itself --- */

static void without_a_bus_it_serves_until_one_is_there(void **state)
{
	(void)state;
	fixture_prepare(&f, "");
	host_start(&f);
	daemon_start(&f);
	assert_true(comes_true(&f, all_run));
	/* It is waited for, and not tried now and then. */
	run_for(&f, 1300000);
	assert_non_null(f.daemon->bus);
	assert_int_equal(sd_event_source_get_enabled(f.daemon->reconnect, NULL), 0);
	private_bus_run(&f.bus);
	f.asker = private_bus_connect(&f.bus, f.event);
	assert_true(comes_true(&f, daemon_is_there));
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	fixture_done(&f);
}

static void it_comes_back_after_the_bus(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		f.asker = sd_bus_close_unref(f.asker);
		private_bus_stop(&f.bus);
		run_for(&f, 300000);
		assert_true(all_run(&f));
		(void)!manager_set_profile(f.manager, i == 0 ? "newest" : "linux");
		run_for(&f, 200000);
		private_bus_run(&f.bus);
		f.asker = private_bus_connect(&f.bus, f.event);
		assert_true(comes_true(&f, daemon_is_there));
		assert_true(comes_true(&f, all_run));
		assert_string_equal(property(&f, MANAGER, "Profile"), i == 0 ? "<'newest'>" : "<'linux'>");
	}
}

static void a_name_that_another_has_is_waited_for(void **state)
{
	sd_bus *other;

	(void)state;
	fixture_prepare(&f, "");
	private_bus_run(&f.bus);
	other = private_bus_connect(&f.bus, f.event);
	assert_true(sd_bus_request_name(other, "org.vmicd1", 0) >= 0);
	host_start(&f);
	daemon_start(&f);
	assert_true(comes_true(&f, all_run));
	run_for(&f, 200000);
	assert_true(sd_bus_release_name(other, "org.vmicd1") >= 0);
	f.asker = private_bus_connect(&f.bus, f.event);
	assert_true(comes_true(&f, daemon_is_there));
	assert_string_equal(property(&f, MANAGER, "Profile"), "<'legacy'>");
	(void)sd_bus_close_unref(other);
	fixture_done(&f);
}

#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(the_manager_shows_the_daemon),
		WITH_DAEMON(a_component_shows_its_channel),
		WITH_DAEMON(a_component_tells_what_hosts_report),
		WITH_DAEMON(everything_can_be_had_in_one_go),
		WITH_DAEMON(a_profile_is_put_in_force),
		WITH_DAEMON(what_has_changed_is_told),
		WITH_DAEMON(a_profile_that_there_is_not_is_refused),
		WITH_DAEMON(a_configuration_that_is_wrong_changes_nothing),
		WITH_DAEMON(a_profile_is_set_whatever_became_of_the_files),
		WITH_DAEMON(the_configuration_is_read_again),
		WITH_DAEMON(a_component_negotiates_again),
		WITH_DAEMON(the_state_of_the_applications_is_set),
		WITH_DAEMON(nobody_sets_a_property),
		WITH_DAEMON(a_pair_is_set_shown_and_deleted),
		WITH_DAEMON(other_pools_are_listed_only),
		WITH_DAEMON(a_pair_that_the_host_could_not_be_told_is_refused),
		WITH_DAEMON(what_others_wrote_is_shown_as_text),
		WITH_DAEMON(a_pool_of_too_many_pairs_is_not_listed),
		WITH_DAEMON(a_locked_pool_is_waited_for),
		WITH_DAEMON(who_waits_for_a_lock_is_forgotten_with_the_bus),
		WITH_DAEMON(a_pool_that_stays_locked_is_an_error_in_the_end),
		cmocka_unit_test(who_asks_for_much_keeps_the_host_from_nothing),
		WITH_DAEMON(who_waits_for_a_lock_keeps_no_other_from_the_disk),
		WITH_DAEMON(it_is_told_who_changed_a_pool),
		WITH_DAEMON(a_file_that_is_no_pool_is_nobodys_news),
		WITH_DAEMON(a_pool_directory_that_comes_back_is_watched),
		WITH_DAEMON(it_is_told_that_the_clock_was_stepped),
		cmocka_unit_test(it_is_told_that_a_shutdown_is_requested),
		cmocka_unit_test(it_is_told_what_went_wrong_last),
		WITH_DAEMON(signals_keep_their_pace),
		cmocka_unit_test(without_a_bus_it_serves_until_one_is_there),
		WITH_DAEMON(it_comes_back_after_the_bus),
		cmocka_unit_test(a_name_that_another_has_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
