/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is set at run time holds for the process that comes next, however the one before has ended, and no longer
 * than until the configuration is read again. Each life is a process of its own with the whole daemon in it, under
 * a service manager that keeps descriptors.
 */
#include "daemon/manager.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/fake_manager.h"
#include "tests/unit/harness.h"
#include "tests/unit/temp_dir.h"

#define NAME "vmic.manager.state"
/* Where things are in the memory of format 1, and how long it is. */
enum { FORMAT = 16, PROFILE = 24, PROFILE_THEN = 56, STATE = 88, STATE_THEN = 120, SIZE = 152 };

static struct {
	struct fake_manager manager;
	struct temp_dir dir;
	char conf_path[100], host_path[100];
	int host_fd;     /* nobody talks to it: it is there, and that is all that a daemon needs to be one */
	char said[8192]; /* by the last life */
} t;

/* In a child a test cannot fail; the process can. */
#define REQUIRE(holds)                                                                              \
	do {                                                                                        \
		if (!(holds)) {                                                                     \
			(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);   \
			_exit(1);                                                                   \
		}                                                                                   \
	} while (0)

static void configure(const char *profile, const char *state, const char *more)
{
	char text[400];

	(void)snprintf(text, sizeof(text), "[Negotiation]\nProfile=%s\n[Heartbeat]\nApplicationState=%s\n"
		       "[KVP]\nPoolDirectory=%s/pools\n%s", profile, state, t.dir.path, more);
	temp_dir_put(&t.dir, "conf", text);
}

static int set_up(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	memset(&t, 0, sizeof(t));
	assert_true(fake_manager_init(&t.manager));
	t.dir = temp_dir_new();
	temp_dir_path(&t.dir, "conf", t.conf_path, sizeof(t.conf_path));
	temp_dir_path(&t.dir, "host", t.host_path, sizeof(t.host_path));
	configure("legacy", "healthy", "");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", t.host_path);
	t.host_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(t.host_fd >= 0);
	assert_int_equal(bind(t.host_fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(t.host_fd, 4), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_manager_done(&t.manager);
	temp_dir_done(&t.dir);
	(void)close(t.host_fd);
	return 0;
}

/* --- lives --- */

/* What a life finds, and what it then does. */
struct life {
	const char *profile, *state;
	void (*does)(struct manager *m);
	bool ends_well; /* not by a kill */
};

static void live_in_child(const struct life *life)
{
	struct log_out out = LOG_OUT_CLOSED;
	struct log log = log_open(LOG_TARGET_STDERR, LOG_INFO, &out);
	struct conf conf, expected;
	struct conf_error error;
	struct manager_options options = { .conf = &conf, .conf_path = t.conf_path, .log = &log,
					   .socket_path = t.host_path };
	struct manager *m = NULL;
	sd_event *event = NULL;

	REQUIRE(conf_read(t.conf_path, &conf, &error) == 0);
	REQUIRE(sd_event_new(&event) >= 0 && manager_new(event, &options, &m) == 0);
	REQUIRE(strcmp(manager_conf(m)->profile->name, life->profile) == 0);
	REQUIRE(strcmp(heartbeat_state_names[manager_conf(m)->application_state], life->state) == 0);
	/* By this it is decided whether a channel that is kept fits: it must be as if the files said so. */
	REQUIRE(conf_read(t.conf_path, &expected, &error) == 0);
	expected.profile = profile_find(life->profile);
	conf_resolve(&expected);
	for (int i = 0; i < IC_COMPONENTS; i++)
		REQUIRE(conf_component_fingerprint(&manager_conf(m)->component[i]) ==
			conf_component_fingerprint(&expected.component[i]));
	if (life->does)
		life->does(m);
	if (!life->ends_well)
		(void)raise(SIGKILL);
	REQUIRE(!manager_free(m));
	(void)sd_event_unref(event);
	_exit(0);
}

static void read_said(int fd)
{
	ssize_t n = pread(fd, t.said, sizeof(t.said) - 1, 0);

	assert_true(n >= 0);
	t.said[n] = '\0';
	(void)close(fd);
}

static void live(const struct life life)
{
	int said = memfd_create("stderr", MFD_CLOEXEC), status;
	pid_t pid = fork();

	assert_true(pid >= 0 && said >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(said, 2);
		REQUIRE(fake_manager_enter(&t.manager));
		live_in_child(&life);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	read_said(said);
	if (status != (life.ends_well ? 0 : SIGKILL))
		fail_msg("status %#x: %s", (unsigned)status, t.said);
	fake_manager_listen(&t.manager);
	(void)close(accept(t.host_fd, NULL, NULL));
}

static void assert_said(const char *text)
{
	if (!strstr(t.said, text))
		fail_msg("'%s' was not said, but:\n%s", text, t.said);
}

/* Whether there is something that the next process will find. */
static bool is_kept(void)
{
	return fake_manager_find(&t.manager, NAME) >= 0;
}

static void set_newest(struct manager *m)
{
	REQUIRE(manager_set_profile(m, "newest") == 0);
}

static void set_legacy(struct manager *m)
{
	REQUIRE(manager_set_profile(m, "legacy") == 0);
}

static void set_critical(struct manager *m)
{
	manager_set_application_state(m, HEARTBEAT_CRITICAL);
}

static void set_healthy(struct manager *m)
{
	manager_set_application_state(m, HEARTBEAT_HEALTHY);
}

static void set_both(struct manager *m)
{
	set_critical(m);
	set_newest(m);
	REQUIRE(manager_conf(m)->application_state == HEARTBEAT_CRITICAL);
}

static void reload(struct manager *m)
{
	REQUIRE(manager_reload(m, &(struct conf_error){ 0 }) == 0);
}

/* --- what holds --- */

static void what_was_set_outlives_the_process(void **state)
{
	(void)state;
	live((struct life){ "legacy", "healthy", NULL, true });
	assert_false(is_kept());
	assert_int_equal(t.manager.puts + t.manager.removals, 0);

	live((struct life){ "legacy", "healthy", set_newest, false });
	assert_true(is_kept());
	live((struct life){ "newest", "healthy", NULL, false });
	assert_said("profile newest was set at run time, and holds until the next reload");
	live((struct life){ "newest", "healthy", set_critical, true });
	for (int i = 0; i < 3; i++) {
		live((struct life){ "newest", "critical", NULL, i % 2 == 0 });
		assert_said("the state of the applications was set to critical at run time");
	}
	live((struct life){ "newest", "critical", set_legacy, false });
	live((struct life){ "legacy", "critical", set_both, false });
	live((struct life){ "newest", "critical", NULL, false });
	assert_int_equal(t.manager.n, 1);
	assert_int_equal(t.manager.puts, 1); /* it is written in place */
	assert_int_equal(t.manager.removals, 0);
}

static void what_is_set_back_is_as_if_it_had_not_been(void **state)
{
	(void)state;
	live((struct life){ "legacy", "healthy", set_both, false });
	live((struct life){ "newest", "critical", set_healthy, false });
	live((struct life){ "newest", "healthy", set_legacy, false });
	assert_false(is_kept());
	live((struct life){ "legacy", "healthy", set_legacy, false });
	assert_false(is_kept());
	live((struct life){ "legacy", "healthy", set_newest, false });
	assert_true(is_kept());
	live((struct life){ "newest", "healthy", NULL, false });
}

static void a_reload_ends_it(void **state)
{
	(void)state;
	live((struct life){ "legacy", "healthy", set_both, false });
	live((struct life){ "newest", "critical", reload, false });
	assert_false(is_kept());
	live((struct life){ "legacy", "healthy", NULL, false });
}

static void a_stop_ends_it(void **state)
{
	(void)state;
	live((struct life){ "legacy", "healthy", set_both, true });
	fake_manager_drop_all(&t.manager);
	live((struct life){ "legacy", "healthy", NULL, false });
}

static void a_configuration_that_was_changed_is_wanted(void **state)
{
	(void)state;
	live((struct life){ "legacy", "healthy", set_both, false });
	configure("ws2012", "healthy", "");
	live((struct life){ "ws2012", "critical", NULL, false });
	assert_said("the profile 'newest', which was set at run time, is dropped: the configuration says something "
		    "else now");
	configure("ws2012", "unknown", "");
	live((struct life){ "ws2012", "unknown", NULL, false });
	assert_said("the state of the applications 'critical', which was set at run time, is dropped");
	assert_false(is_kept());
	/* and what was dropped does not come back */
	configure("legacy", "healthy", "");
	live((struct life){ "legacy", "healthy", NULL, false });
}

/* The files' other keys hold for the profile that was set, as they do when it is set. */
static void other_keys_are_those_of_the_files(void **state)
{
	(void)state;
	live((struct life){ "legacy", "healthy", set_newest, false });
	configure("legacy", "healthy", "[TimeSync]\nVersions=1.0\n");
	live((struct life){ "newest", "healthy", NULL, false });
}

/* --- what is doubtful --- */

static void put(size_t at, const void *from, size_t n)
{
	assert_int_equal(pwrite(fake_manager_find(&t.manager, NAME), from, n, (off_t)at), n);
}

/* The Fowler-Noll-Vo hash of what follows it, as words. */
static void mend_sum(void)
{
	uint64_t sum = UINT64_C(14695981039346656037), word[SIZE / 8];

	assert_int_equal(pread(fake_manager_find(&t.manager, NAME), word, SIZE, 0), SIZE);
	for (size_t i = 1; i < ARRAY_LEN(word); i++)
		sum = (sum ^ word[i]) * UINT64_C(1099511628211);
	put(0, &sum, sizeof(sum));
}

static void what_is_damaged_is_dropped(void **state)
{
	(void)state;
	for (size_t at = 0; at < SIZE; at += at < PROFILE ? 1 : 5) {
		uint8_t byte;

		live((struct life){ "legacy", "healthy", set_both, false });
		assert_int_equal(pread(fake_manager_find(&t.manager, NAME), &byte, 1, (off_t)at), 1);
		byte ^= 0x20;
		put(at, &byte, 1);
		live((struct life){ "legacy", "healthy", NULL, false });
		assert_said("what was set at run time is dropped");
		assert_said(at >= 8 && at < PROFILE ? "it is of another format" : "it is damaged");
		assert_false(is_kept());
	}
}

static void what_has_another_size_is_dropped(void **state)
{
	static const off_t sizes[] = { 0, 1, SIZE - 1, SIZE + 1, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		live((struct life){ "legacy", "healthy", set_both, false });
		assert_int_equal(ftruncate(fake_manager_find(&t.manager, NAME), sizes[i]), 0);
		live((struct life){ "legacy", "healthy", NULL, false });
		assert_said("it is of another format");
		assert_false(is_kept());
	}
}

/* A descriptor that is no memory at all must not stop a start. */
static void what_is_no_memory_is_dropped(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fake_manager_put(&t.manager, NAME, pair[0]);
	live((struct life){ "legacy", "healthy", NULL, false });
	assert_said("it is of another format");
	assert_false(is_kept());
	(void)close(pair[1]);
}

/* As another version may write it. */
static void what_this_version_does_not_know_is_dropped(void **state)
{
	char endless[32];

	(void)state;
	live((struct life){ "legacy", "healthy", set_both, false });
	put(PROFILE, "win42", sizeof("win42"));
	mend_sum();
	live((struct life){ "legacy", "critical", NULL, false });
	assert_said("the profile 'win42', which was set at run time, is dropped: this version does not know it");
	put(STATE, "tired\0\0", sizeof("tired\0\0"));
	mend_sum();
	live((struct life){ "legacy", "healthy", NULL, false });
	assert_said("the state of the applications 'tired', which was set at run time, is dropped");
	assert_false(is_kept());

	memset(endless, 'x', sizeof(endless));
	for (size_t at = PROFILE; at < SIZE; at += sizeof(endless)) {
		live((struct life){ "legacy", "healthy", set_both, false });
		put(at, endless, sizeof(endless));
		mend_sum();
		live((struct life){ "legacy", "healthy", NULL, false });
		assert_said("it is damaged");
	}
	live((struct life){ "legacy", "healthy", set_newest, false });
	put(FORMAT, &(uint32_t){ 2 }, 4);
	mend_sum();
	live((struct life){ "legacy", "healthy", NULL, false });
	assert_said("it is of another format");
	assert_false(is_kept());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_set_outlives_the_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_set_back_is_as_if_it_had_not_been, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reload_ends_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_stop_ends_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_configuration_that_was_changed_is_wanted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_keys_are_those_of_the_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_damaged_is_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_has_another_size_is_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_memory_is_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_this_version_does_not_know_is_dropped, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
