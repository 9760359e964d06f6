/* SPDX-License-Identifier: GPL-2.0-only */
/* The program as its users meet it: options, messages, exit status. */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "hv_util/profile.h"
#include "tests/unit/program.h"
#include "tests/unit/temp_dir.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static struct program run;

static void vmicd(const char *const *args)
{
	program_run(&run, program_path("vmicd", "VMICD"), args);
}

/* It ends with that status and nothing but this on standard error. */
static void must_fail(const char *const *args, int status, const char *message)
{
	vmicd(args);
	assert_string_equal(run.err, message);
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, status);
}

/* --- what is printed and done with --- */

static void help_is_printed(void **state)
{
	static const char *const spelled[] = { "--help", "-h" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spelled); i++) {
		vmicd(ARGS(spelled[i]));
		assert_int_equal(run.status, 0);
		assert_string_equal(run.err, "");
		assert_memory_equal(run.out, "vmicd [OPTIONS]\n", 16);
		assert_non_null(strstr(run.out, "  -t --transport=WHERE        uio, the default: "));
		assert_non_null(strstr(run.out, "Exit status: 0 ended as asked, 1 failure, 2 wrong option or "
						"configuration.\n"));
	}
}

static void no_line_of_help_is_wider_than_a_terminal(void **state)
{
	(void)state;
	vmicd(ARGS("--help"));
	for (const char *line = strtok(run.out, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 100);
}

static void the_version_is_printed(void **state)
{
	static const char *const spelled[] = { "--version", "-V" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(spelled); i++) {
		vmicd(ARGS(spelled[i]));
		assert_int_equal(run.status, 0);
		assert_string_equal(run.err, "");
		assert_string_equal(run.out, "vmicd " VMICD_VERSION "\n");
	}
}

static void the_profiles_are_listed(void **state)
{
	char expected[4096] = "";
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < n_profiles; i++)
		n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%-9s %s%s\n", profiles[i].name,
				      profiles[i].title, i == 0 ? " (the default)" : "");
	vmicd(ARGS("--list-profiles"));
	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, expected);
	assert_memory_equal(run.out, "legacy ", 7);
}

static void a_profile_is_shown(void **state)
{
	(void)state;
	vmicd(ARGS("--show-profile=openbsd"));
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_memory_equal(run.out, "openbsd: OpenBSD\nsource: ", 25);
	assert_non_null(strstr(run.out, "\nTimeSync  message 3.0 1.0, framework 3.0 1.0; nothing in common: "
					"version-zero\n"));
	assert_null(strstr(run.out, "VSS")); /* it has none */
	for (size_t i = 0; i < n_profiles; i++) {
		vmicd(ARGS("--show-profile", profiles[i].name));
		assert_int_equal(run.status, 0);
		assert_memory_equal(run.out, profiles[i].name, strlen(profiles[i].name));
	}
}

/* --- wrong options --- */

static const struct {
	const char *args[5];
	const char *message;
} wrong[] = {
	{ { "--transport=" }, "vmicd: --transport=: expected uio or socket:PATH\n" },
	{ { "--transport=socket:" }, "vmicd: --transport=socket:: expected uio or socket:PATH\n" },
	{ { "--transport=/run/x" }, "vmicd: --transport=/run/x: expected uio or socket:PATH\n" },
	{ { "--transport=uio:/dev/uio0" }, "vmicd: --transport=uio:/dev/uio0: expected uio or socket:PATH\n" },
	{ { "-t", "UIO" }, "vmicd: --transport=UIO: expected uio or socket:PATH\n" },
	{ { "-t", "Socket:/x" }, "vmicd: --transport=Socket:/x: expected uio or socket:PATH\n" },
	{ { "--transport=socket:/x", "extra" },
	  "vmicd: 'extra' was not expected: vmicd takes options only\n" },
	{ { "--show-profile=nobody" },
	  "vmicd: --show-profile=nobody: expected a name that --list-profiles prints\n" },
};

static void a_wrong_option_says_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		must_fail(wrong[i].args, 2, wrong[i].message);
}

/* These sentences are the C library's, before ours. */
static void an_option_that_does_not_exist_is_refused(void **state)
{
	static const char *const bad[] = { "--bogus", "-x", "--transport", "-t", "--config", "--dry-run=yes" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		vmicd(ARGS(bad[i]));
		assert_int_equal(run.status, 2);
		assert_string_equal(run.out, "");
		assert_non_null(strstr(run.err, "\nvmicd: 'vmicd --help' lists the options\n"));
	}
}

/* --- wrong configuration --- */

static void a_wrong_configuration_never_starts(void **state)
{
	struct temp_dir d = temp_dir_new();
	char config[128], option[160], transport[160], message[512];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	(void)state;
	temp_dir_path(&d, "host", address.sun_path, sizeof(address.sun_path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	temp_dir_path(&d, "c", config, sizeof(config));
	(void)snprintf(option, sizeof(option), "--config=%s", config);
	(void)snprintf(transport, sizeof(transport), "--transport=socket:%s", address.sun_path);

	(void)snprintf(message, sizeof(message), "vmicd: %s: No such file or directory\n", config);
	must_fail(ARGS(option, transport), 2, message);

	temp_dir_put(&d, "c", "[TimeSync]\nClock=yes\n");
	(void)snprintf(message, sizeof(message), "vmicd: %s:2: [TimeSync] Clock=yes: expected none or step\n",
		       config);
	must_fail(ARGS(option, transport), 2, message);
	must_fail(ARGS("-c", config, "-t", transport + strlen("--transport=")), 2, message);

	temp_dir_put(&d, "c", "");
	temp_dir_put(&d, "c.d/x.conf", "[Daemon]\nColour=red\n");
	(void)snprintf(message, sizeof(message), "vmicd: %s.d/x.conf:2: [Daemon] has no key 'Colour': "
		       "expected one of LogLevel, LogTarget, LockMemory\n",
		       config);
	must_fail(ARGS(option, transport), 2, message);

	assert_int_equal(poll(&poll_fd, 1, 0), 0); /* nobody has connected */
	(void)close(fd);
	temp_dir_done(&d);
}

static void a_configuration_is_checked(void **state)
{
	struct temp_dir d = temp_dir_new();
	char config[128], masked[128], expected[512];

	(void)state;
	temp_dir_path(&d, "c", config, sizeof(config));
	temp_dir_put(&d, "c", "[TimeSync]\nClock=step\n");
	temp_dir_put(&d, "c.d/x.conf", "[TimeSync]\nEnable=no\n");
	vmicd(ARGS("--check-config", "-c", config));
	(void)snprintf(expected, sizeof(expected), "%s: ok\n%s.d/x.conf: ok\n", config, config);
	assert_string_equal(run.out, expected);
	(void)snprintf(expected, sizeof(expected), "vmicd: %s:2: [TimeSync] Clock=step: TimeSync is not served, "
		       "the clock is never stepped\n", config);
	assert_string_equal(run.err, expected);
	assert_int_equal(run.status, 0);

	temp_dir_path(&d, "c.d/m.conf", masked, sizeof(masked));
	assert_int_equal(symlink("/dev/null", masked), 0);
	vmicd(ARGS("--check-config", "-c", config));
	(void)snprintf(expected, sizeof(expected), "%s: ok\n%s: masked\n%s.d/x.conf: ok\n", config, masked, config);
	assert_string_equal(run.out, expected);
	vmicd(ARGS("--check-config", "-c", "/dev/null"));
	assert_string_equal(run.out, "/dev/null: ok\n");

	temp_dir_put(&d, "c.d/y.conf", "[TimeSync]\nEnable=maybe\n");
	(void)snprintf(expected, sizeof(expected), "vmicd: %s.d/y.conf:2: [TimeSync] Enable=maybe: expected yes "
		       "or no\n", config);
	must_fail(ARGS("--check-config", "-c", config), 2, expected);
	must_fail(ARGS("--dump-config", "-c", config), 2, expected);
	temp_dir_put(&d, "c.d/y.conf", "# to come:\n[Hartbeat]\n#Enable=no\n");
	(void)snprintf(expected, sizeof(expected), "vmicd: %s.d/y.conf:2: no section is called 'Hartbeat': expected "
		       "one of Daemon, Negotiation, Policy, Heartbeat, KVP, Shutdown, TimeSync\n", config);
	must_fail(ARGS("--check-config", "-c", config), 2, expected);
	temp_dir_done(&d);
}

static void a_dump_is_a_configuration(void **state)
{
	struct temp_dir d = temp_dir_new();
	static char first[sizeof(run.out)];
	char config[128];

	(void)state;
	temp_dir_path(&d, "c", config, sizeof(config));
	temp_dir_put(&d, "c", "[Negotiation]\nProfile=newest\n");
	vmicd(ARGS("--dump-config", "-c", config));
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_non_null(strstr(run.out, "\nProfile=newest\n"));

	(void)strcpy(first, run.out);
	temp_dir_put(&d, "c", first);
	vmicd(ARGS("--check-config", "-c", config));
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	temp_dir_done(&d);
}

/* --- the host --- */

/* A configuration whose pools are in the directory, as an option. */
static const char *config_in(const struct temp_dir *d)
{
	static char option[160];
	char text[256], path[128];

	/* Whether memory may be locked depends on who runs this, and is told. */
	(void)snprintf(text, sizeof(text), "[KVP]\nPoolDirectory=%s/pools\n[Daemon]\nLogTarget=stderr\n"
		       "LockMemory=no\n", d->path);
	temp_dir_put(d, "c", text);
	temp_dir_path(d, "c", path, sizeof(path));
	(void)snprintf(option, sizeof(option), "--config=%s", path);
	return option;
}

static void a_host_that_cannot_be_reached_is_a_failure(void **state)
{
	struct temp_dir d = temp_dir_new();
	char pools[128];

	(void)state;
	must_fail(ARGS(config_in(&d), "--transport=socket:/nonexistent/host"), 1,
		  "vmicd: cannot reach a host at /nonexistent/host: No such file or directory "
		  "(is vmichost running?)\n");
	/* Pool files are a sign of Hyper-V to other programs: none without a host. */
	temp_dir_path(&d, "pools", pools, sizeof(pools));
	assert_int_equal(access(pools, F_OK), -1);
	temp_dir_done(&d);
}

/* The VMBus of the machine is the default: a test that ran where there is one would take its channels. */
static void without_a_vmbus_it_says_so(void **state)
{
	static const char *const spelled[] = { NULL, "--transport=uio", "-tuio" };

	(void)state;
	if (access("/sys/bus/vmbus", F_OK) == 0)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(spelled); i++) {
		struct temp_dir d = temp_dir_new();
		char pools[128];

		must_fail(ARGS(config_in(&d), spelled[i]), 1,
			  "vmicd: there is no VMBus here: this is no Hyper-V guest, or hv_vmbus is not loaded\n");
		temp_dir_path(&d, "pools", pools, sizeof(pools));
		assert_int_equal(access(pools, F_OK), -1);
		temp_dir_done(&d);
	}
}

/* The last transport that is given counts. */
static void a_transport_can_be_given_again(void **state)
{
	struct temp_dir d = temp_dir_new();

	(void)state;
	must_fail(ARGS(config_in(&d), "--transport=uio", "--transport=socket:/nonexistent/host"), 1,
		  "vmicd: cannot reach a host at /nonexistent/host: No such file or directory "
		  "(is vmichost running?)\n");
	temp_dir_done(&d);
}

/* Starts it with a host that takes the connection and says nothing. Returns the host's end. */
static int start_connected(const struct temp_dir *d, const char *more)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), fd;
	char transport[160];

	temp_dir_path(d, "host", address.sun_path, sizeof(address.sun_path));
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 8), 0);
	(void)snprintf(transport, sizeof(transport), "--transport=socket:%s", address.sun_path);
	program_start(&run, program_path("vmicd", "VMICD"), ARGS(config_in(d), transport, more));
	assert_int_equal(poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1,
			      PROGRAM_SECONDS * 1000), 1);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	(void)close(listener);
	return fd;
}

static void it_ends_well_when_the_host_hangs_up(void **state)
{
	struct temp_dir d = temp_dir_new();

	(void)state;
	(void)close(start_connected(&d, NULL));
	program_wait(&run);
	assert_string_equal(run.err, "vmicd: vmicd " VMICD_VERSION ", profile legacy\n"
				     "vmicd: the host has hung up\n");
	assert_int_equal(run.status, 0);
	temp_dir_done(&d);
}

/* A simulated host has no driver to stand behind: the channel is served. */
static void the_route_is_ignored_without_a_kernels_driver(void **state)
{
	struct temp_dir d = temp_dir_new();

	(void)state;
	temp_dir_put(&d, "c.d/route.conf", "[KVP]\nRoute=hv_utils\n");
	(void)close(start_connected(&d, NULL));
	program_wait(&run);
	assert_string_equal(run.err, "vmicd: KVP: there is no hv_utils at a simulated host, "
				     "Route=hv_utils is ignored\n"
				     "vmicd: vmicd " VMICD_VERSION ", profile legacy\n"
				     "vmicd: the host has hung up\n");
	assert_int_equal(run.status, 0);
	temp_dir_done(&d);
}

static void it_ends_well_when_told_to(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct temp_dir d = temp_dir_new();
		int host = start_connected(&d, NULL);

		/* It connects last: from here on the signals are the loop's. */
		assert_int_equal(kill(run.pid, signals[i]), 0);
		program_wait(&run);
		assert_int_equal(run.status, 0);
		(void)close(host);
		temp_dir_done(&d);
	}
}

static void a_dry_run_changes_nothing(void **state)
{
	struct temp_dir d = temp_dir_new();
	char pools[128];

	(void)state;
	(void)close(start_connected(&d, "--dry-run"));
	program_wait(&run);
	assert_non_null(strstr(run.err, "profile legacy, dry run: nothing on this machine is changed\n"));
	assert_int_equal(run.status, 0);
	temp_dir_path(&d, "pools", pools, sizeof(pools));
	assert_int_equal(access(pools, F_OK), -1);
	temp_dir_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_is_printed),
		cmocka_unit_test(no_line_of_help_is_wider_than_a_terminal),
		cmocka_unit_test(the_version_is_printed),
		cmocka_unit_test(the_profiles_are_listed),
		cmocka_unit_test(a_profile_is_shown),
		cmocka_unit_test(a_wrong_option_says_what_was_expected),
		cmocka_unit_test(an_option_that_does_not_exist_is_refused),
		cmocka_unit_test(a_wrong_configuration_never_starts),
		cmocka_unit_test(a_configuration_is_checked),
		cmocka_unit_test(a_dump_is_a_configuration),
		cmocka_unit_test(a_host_that_cannot_be_reached_is_a_failure),
		cmocka_unit_test(without_a_vmbus_it_says_so),
		cmocka_unit_test(a_transport_can_be_given_again),
		cmocka_unit_test(it_ends_well_when_the_host_hangs_up),
		cmocka_unit_test(the_route_is_ignored_without_a_kernels_driver),
		cmocka_unit_test(it_ends_well_when_told_to),
		cmocka_unit_test(a_dry_run_changes_nothing),
	};

	return cmocka_run_group_tests_name("vmicd_cli", tests, NULL, NULL);
}
